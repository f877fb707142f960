/** API keys: one's own, and those of the organization's people and machines for who may see them. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { KeyDialog } from "@/features/api_keys/KeyDialog";
import { KeyActions } from "@/features/api_keys/KeyActions";
import { chosenOf, type KeySearch, readKeySearch, standingOf } from "@/features/api_keys/keys";
import { ApiKeysDocument, type KeyRowFragment, OwnApiKeysDocument } from "@/generated/graphql";
import { useOrganization } from "@/lib/organization";
import { usePages } from "@/lib/pages";
import { nameOf, useLack } from "@/lib/scopes";
import { useTitle } from "@/lib/title";
import { Button } from "@/ui/Button";
import { MINUTE_MS, useNow } from "@/ui/clock";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { CheckField } from "@/ui/fields";
import { PageHead } from "@/ui/PageHead";
import { ShownOnce } from "@/ui/ShownOnce";
import { Time } from "@/ui/Time";

export function KeysPage() {
  const organization = useOrganization();
  useTitle("API keys", organization);
  const now = useNow(MINUTE_MS);
  const search = readKeySearch(useSearch({ strict: false }));
  const navigate = useNavigate();
  const seek = (next: KeySearch): void => void navigate({ to: "/$organization/~/keys", params: { organization }, search: next, replace: true });
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string>();
  const mayAll = useLack("ORG_ADMIN") === undefined;
  const [own, readOwn] = useQuery({ query: OwnApiKeysDocument, variables: { organization } });
  const all = usePages("api-keys", ApiKeysDocument, { organization }, (data) => data.organization?.apiKeys);
  const rows = mayAll ? all.rows : own.data?.viewer.apiKeys;
  const error = rows ? undefined : mayAll ? all.error : own.error;
  const again = (): void => {
    readOwn({ requestPolicy: "network-only" });
    if (mayAll) all.again();
  };
  const onSecret = (made: string): void => {
    setSecret(made);
    again();
  };
  const columns: readonly Column<KeyRowFragment>[] = [
    { id: "name", title: "Key", cell: (key) => <bdi title={key.name}>{key.name}</bdi> },
    { id: "prefix", title: "Begins", cell: ({ prefix }) => <code>{prefix}…</code>, width: 190, from: "lg" },
    { id: "owner", title: "Speaks for", cell: ({ owner, isAgents }) => (isAgents ? <span className="faint">an agent</span> : <bdi>{owner.displayName}</bdi>) },
    { id: "scopes", title: "May", cell: ({ scopes }) => <span title={scopes.map(nameOf).join(", ")}>{scopes.length === 1 ? nameOf(scopes[0] ?? "ORG_READ") : `${scopes.length} permissions`}</span>, width: 130, from: "md" },
    { id: "used", title: "Used", cell: ({ lastUsedAt }) => (lastUsedAt ? <Time at={lastUsedAt} isRelative /> : <span className="faint">never</span>), width: 100, from: "md" },
    { id: "standing", title: "Stands", cell: (key) => <span title={key.expiresAt ?? "It does not end."}>{standingOf(key, now)}</span>, width: 100 },
    { id: "acts", title: "", cell: (key) => <KeyActions apiKey={key} isLive={!["expired", "revoked"].includes(standingOf(key, now))} onSecret={onSecret} onChanged={again} />, width: 56 },
  ];
  const shown = rows && chosenOf(rows, search, now);
  return (
    <>
      <PageHead title="API keys" actions={<Button isPrimary onClick={() => setMaking(true)}>New key</Button>} />
      <div className="toolbar">
        <CheckField label="Also what opens nothing any more" isOn={search.all === true} onChange={(isOn) => seek({ ...(search.owner ? { owner: search.owner } : {}), ...(isOn ? { all: true } : {}) })} />
        {search.owner && <Button className="is-small" onClick={() => seek(search.all ? { all: true } : {})}>Keys of one owner ×</Button>}
        {!mayAll && <span className="faint text-[13px]">Your own keys; an administrator sees all.</span>}
      </div>
      {error && <ErrorState error={error} onRetry={again} />}
      {!rows && !error && <Skeleton rows={6} />}
      {shown?.length === 0 && <EmptyState title="A key lets a program in: the command line, an agent, Terraform." />}
      {shown && shown.length > 0 && (
        <DataTable name="api-keys" label="API keys" columns={columns} rows={shown} keyOf={({ id }) => id} hasMore={mayAll && all.hasMore} onMore={all.more} />
      )}
      {isMaking && own.data?.organization && (
        <KeyDialog data={own.data} isOpen={isMaking} onClose={() => setMaking(false)} onSecret={onSecret} owner={search.owner} />
      )}
      <ShownOnce title="The key" secret={secret} onClose={() => setSecret(undefined)}>Put it where the program reads it, such as HEADGATE_API_KEY.</ShownOnce>
    </>
  );
}
