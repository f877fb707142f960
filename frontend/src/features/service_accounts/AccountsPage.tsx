/** Service accounts: machines that hold roles and keys. */
import { useState } from "react";
import { AccountPeek } from "@/features/service_accounts/AccountPeek";
import { type AccountRowFragment, AccountChoicesDocument, ServiceAccountCreateDocument, ServiceAccountsDocument } from "@/generated/graphql";
import { useOrganization } from "@/lib/organization";
import { usePages } from "@/lib/pages";
import { useTitle } from "@/lib/title";
import { useQuery } from "urql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { Dialog } from "@/ui/Dialog";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { TextField } from "@/ui/fields";
import { PageHead } from "@/ui/PageHead";
import { Time } from "@/ui/Time";

const COLUMNS: readonly Column<AccountRowFragment>[] = [
  { id: "name", title: "Service account", cell: ({ displayName }) => <bdi>{displayName}</bdi> },
  { id: "roles", title: "Roles", cell: ({ roles }) => roles.map((each) => <span key={each.id} className="tag mr-1">{each.role.name}{each.workspace ? ` · ${each.workspace.name}` : ""}</span>) },
  { id: "made", title: "Made", cell: ({ createdAt }) => <Time at={createdAt} />, width: 170, from: "md" },
];

export function AccountsPage() {
  const organization = useOrganization();
  useTitle("Service accounts", organization);
  const [isMaking, setMaking] = useState(false);
  const [peeked, setPeeked] = useState<string>();
  const [{ data: choices }] = useQuery({ query: AccountChoicesDocument, variables: { organization } });
  const list = usePages("service-accounts", ServiceAccountsDocument, { organization }, (data) => data.organization?.serviceAccounts);
  const account = list.rows?.find(({ id }) => id === peeked);
  return (
    <>
      <PageHead title="Service accounts" actions={<Button isPrimary needs="ORG_ADMIN" onClick={() => setMaking(true)}>New service account</Button>} />
      {list.error && !list.rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!list.rows && !list.error && <Skeleton rows={4} />}
      {list.rows?.length === 0 && <EmptyState title="A service account is a machine: it holds roles, and its keys outlive whoever made them." />}
      {list.rows && list.rows.length > 0 && (
        <DataTable name="service-accounts" label="Service accounts" columns={COLUMNS} rows={list.rows} keyOf={({ id }) => id} onPeek={({ id }) => setPeeked(id)} onOpen={({ id }) => setPeeked(id)} peeked={peeked} hasMore={list.hasMore} onMore={list.more} />
      )}
      {account && choices?.organization && (
        <AccountPeek key={account.id} account={account} place={choices.organization} organization={organization} onClose={() => setPeeked(undefined)} onChanged={list.again} />
      )}
      {isMaking && choices?.organization && (
        <NewAccount
          organizationId={choices.organization.id}
          isOpen={isMaking}
          onClose={() => setMaking(false)}
          onMade={(id) => {
            list.again();
            setPeeked(id);
          }}
        />
      )}
    </>
  );
}

function NewAccount({ organizationId, isOpen, onClose, onMade }: { organizationId: string; isOpen: boolean; onClose: () => void; onMade: (id: string) => void }) {
  const make = useAct(ServiceAccountCreateDocument, { isQuiet: true });
  const [name, setName] = useState("");
  const save = async (): Promise<void> => {
    const done = await make.act({ input: { organizationId, name: name.trim() } });
    if (!done?.serviceAccount) return;
    onClose();
    setName("");
    onMade(done.serviceAccount.id);
  };
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title="New service account" foot={<Button isPrimary isBusy={make.isBusy} lacks={name.trim() ? undefined : "Give it a name."} onClick={() => void save()}>Make it</Button>}>
      <TextField label="Name" isRequired value={name} onChange={setName} problem={make.refusals[0]?.message} hint="What it does: deployer, terraform." />
    </Dialog>
  );
}
