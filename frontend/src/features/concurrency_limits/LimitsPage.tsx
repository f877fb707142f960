/** The limits of a workspace: their slots, who holds them, and who waits. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { type LimitRowFragment, LimitsDocument } from "@/generated/graphql";
import { LimitForm } from "@/features/concurrency_limits/LimitForm";
import { LimitPeek } from "@/features/concurrency_limits/LimitPeek";
import { Slots } from "@/features/concurrency_limits/Slots";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";

const COLUMNS: readonly Column<LimitRowFragment>[] = [
  { id: "name", title: "Limit", cell: (row) => row.name },
  {
    id: "kind",
    title: "Kind",
    from: "md",
    cell: (row) => (row.taskTag ? <>tasks with <span className="tag">{row.taskTag}</span></> : row.slotDecayPerSecond > 0 ? <span className="num">{`rate, ${row.slotDecayPerSecond} a second come back`}</span> : <span className="faint">what code asks for</span>),
  },
  { id: "slots", title: "Slots", width: 250, from: "md", cell: (row) => <Slots name={row.name} active={row.active} limit={row.limit} waiting={row.waiting} /> },
  { id: "active", title: "Taken", width: 100, isNumber: true, cell: (row) => `${row.active} of ${row.limit}` },
  { id: "waiting", title: "Waiting", width: 90, isNumber: true, cell: (row) => row.waiting },
];

export function LimitsPage() {
  const { organization, workspace } = usePlace();
  useTitle("Limits", workspace);
  const search = useSearch({ from: "/$organization/$workspace/limits" });
  const navigate = useNavigate({ from: "/$organization/$workspace/limits" });
  const [edited, setEdited] = useState<LimitRowFragment | "new">();
  const list = usePages("limits", LimitsDocument, { organization, workspace }, (data) => data.workspace?.concurrencyLimits);
  useChanges(useWorkspaceId(), ["concurrency_limit", "flow_run"], list.again);
  const { rows } = list;
  const peek = (limit: string | undefined): void => void navigate({ search: limit === undefined ? {} : { limit }, replace: true });
  const add = <Button needs="FLOWS_WRITE" onClick={() => setEdited("new")}>New limit…</Button>;
  const peeked = rows?.find(({ id }) => id === search.limit);
  return (
    <>
      <PageHead title="Limits" actions={add} />
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={6} />}
      {rows?.length === 0 && <EmptyState title="A limit lets only so many at once, in tasks with a tag or wherever code asks for a slot.">{add}</EmptyState>}
      {rows && rows.length > 0 && (
        <DataTable
          name="limits"
          label="Limits"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.id}
          peeked={search.limit}
          onPeek={(row) => peek(row.id === search.limit ? undefined : row.id)}
          onOpen={(row) => peek(row.id)}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
      {peeked && <LimitPeek key={peeked.id} limit={peeked} onClose={() => peek(undefined)} onEdit={() => setEdited(peeked)} onDone={list.again} />}
      {edited !== undefined && <LimitForm limit={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} onDone={list.again} />}
    </>
  );
}
