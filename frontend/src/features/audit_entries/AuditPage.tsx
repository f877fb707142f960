/** The audit log: who changed what, when and from where; every entry has an address. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { AuditPeek } from "@/features/audit_entries/AuditPeek";
import { type AuditSearch, auditFilterOf, isAuditNarrowed, readAuditSearch } from "@/features/audit_entries/search";
import { AuditLogDocument, type AuditRowFragment } from "@/generated/graphql";
import { useOrganization } from "@/lib/organization";
import { usePages } from "@/lib/pages";
import { useTitle } from "@/lib/title";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { SearchField } from "@/ui/SearchField";
import { Time } from "@/ui/Time";

const COLUMNS: readonly Column<AuditRowFragment>[] = [
  { id: "at", title: "When", cell: ({ at }) => <Time at={at} />, width: 170 },
  { id: "actor", title: "Who", cell: ({ actor }) => <bdi title={actor.displayName}>{actor.displayName}</bdi> },
  { id: "action", title: "Did", cell: ({ action }) => <code>{action}</code> },
  { id: "target", title: "To", cell: ({ targetName }) => <bdi title={targetName}>{targetName}</bdi>, from: "md" },
  { id: "workspace", title: "In", cell: ({ workspace }) => workspace?.name ?? <span className="faint">the organization</span>, from: "lg", width: 150 },
  { id: "ip", title: "From", cell: ({ ip }) => ip ?? <span className="faint">–</span>, from: "lg", width: 140 },
];
const SPANS = [
  { days: 1, label: "Day" },
  { days: 7, label: "Week" },
  { days: 30, label: "Month" },
] as const;

export function AuditPage() {
  const organization = useOrganization();
  useTitle("Audit log", organization);
  const search = readAuditSearch(useSearch({ strict: false }));
  const navigate = useNavigate();
  const seek = (next: AuditSearch): void => void navigate({ to: "/$organization/~/audit", params: { organization }, search: next, replace: true });
  const [now] = useState(() => Date.now());
  const list = usePages("audit", AuditLogDocument, { organization, filter: auditFilterOf(search, now) }, (data) => data.organization?.auditLog, { organization, filter: auditFilterOf(search, 0) });
  const entry = list.rows?.find(({ id }) => id === search.entry);
  const without = (name: keyof AuditSearch): AuditSearch => {
    const { [name]: _gone, ...rest } = search;
    return rest;
  };
  return (
    <>
      <PageHead title="Audit log" />
      <div className="toolbar" role="search">
        <SearchField
          label="How the action begins"
          placeholder="Action begins with…   /"
          value={search.action ?? ""}
          onChange={(action) => seek(action ? { ...search, action } : without("action"))}
        />
        {SPANS.map(({ days, label }) => (
          <Button key={days} aria-pressed={search.days === days} onClick={() => seek(search.days === days ? without("days") : { ...search, days })}>{label}</Button>
        ))}
        {search.actor && <Button className="is-small" onClick={() => seek(without("actor"))}>One actor ×</Button>}
        {search.target && <Button className="is-small" onClick={() => seek(without("target"))}>One object ×</Button>}
      </div>
      {list.error && !list.rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!list.rows && !list.error && <Skeleton rows={12} />}
      {list.rows?.length === 0 && (isAuditNarrowed(search) ? <NothingMatches what="entry" onClear={() => seek({})} /> : <EmptyState title="Whatever is changed is written here, by whom and from where." />)}
      {list.rows && list.rows.length > 0 && (
        <DataTable name="audit" label="Audit log" columns={COLUMNS} rows={list.rows} keyOf={({ id }) => id} onPeek={({ id }) => seek({ ...search, entry: id })} onOpen={({ id }) => seek({ ...search, entry: id })} peeked={search.entry} hasMore={list.hasMore} onMore={list.more} />
      )}
      {entry && <AuditPeek entry={entry} onClose={() => seek(without("entry"))} onActor={(actor) => seek({ ...without("entry"), actor })} onTarget={(target) => seek({ ...without("entry"), target })} />}
    </>
  );
}
