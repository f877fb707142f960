/** All work pools: whether anybody serves them, how full they are, and what waits. */
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { WorkPoolsDocument, type WorkPoolsQuery } from "@/generated/graphql";
import { Capacity } from "@/ui/Capacity";
import { PoolForm } from "@/features/work_pools/PoolForm";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { parseDuration, showDuration } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Button } from "@/ui/Button";
import { Command } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { PoolStatus } from "@/ui/PoolStatus";

type Row = NonNullable<WorkPoolsQuery["workspace"]>["workPools"]["nodes"][number];

/** What its agents take at once, or its limit where that is less; undefined where not all agents are known here. */
function roomOf(row: Row): number | undefined {
  if (row.agents.totalCount.value > row.agents.nodes.length) return row.concurrencyLimit ?? undefined;
  const capacity = row.agents.nodes.reduce((sum, agent) => sum + agent.capacity, 0);
  return row.concurrencyLimit === null || row.concurrencyLimit === undefined ? capacity : Math.min(capacity, row.concurrencyLimit);
}

const COLUMNS: readonly Column<Row>[] = [
  { id: "status", title: "State", width: 120, cell: (row) => <PoolStatus status={row.status} /> },
  { id: "name", title: "Work pool", cell: (row) => <Crumb to={`/pools/${encodeURIComponent(row.name)}`}>{row.name}</Crumb> },
  { id: "type", title: "Type", width: 110, from: "md", cell: (row) => <span className="faint">{row.type}</span> },
  { id: "capacity", title: "Taken", width: 200, from: "md", cell: (row) => <Capacity label={row.name} taken={row.backlog.running + row.backlog.offered} room={roomOf(row)} waiting={row.backlog.ready} /> },
  { id: "running", title: "Running", width: 84, isNumber: true, from: "md", cell: (row) => row.backlog.running },
  { id: "ready", title: "Waiting", width: 84, isNumber: true, cell: (row) => row.backlog.ready },
  {
    id: "oldest",
    title: "Oldest",
    width: 96,
    isNumber: true,
    from: "lg",
    cell: (row) => (row.backlog.oldestReadyAge ? showDuration(parseDuration(row.backlog.oldestReadyAge)) : <span className="faint">–</span>),
  },
  { id: "scheduled", title: "Later", width: 80, isNumber: true, from: "lg", cell: (row) => row.backlog.scheduled },
  { id: "agents", title: "Agents", width: 84, isNumber: true, cell: (row) => row.agents.totalCount.value },
];

export function PoolsPage() {
  const { organization, workspace } = usePlace();
  useTitle("Work pools", workspace);
  const navigate = useNavigate();
  const [isNew, setNew] = useState(false);
  const list = usePages("pools", WorkPoolsDocument, { organization, workspace }, (data) => data.workspace?.workPools);
  useChanges(useWorkspaceId(), ["work_pool", "work_queue", "agent", "flow_run"], list.again, 3_000);
  const { rows } = list;
  return (
    <>
      <PageHead title="Work pools" actions={<Button needs="POOLS_WRITE" onClick={() => setNew(true)}>New pool…</Button>} />
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={6} />}
      {rows?.length === 0 && (
        <EmptyState title="A work pool is where runs wait for agents. There is none yet.">
          <Command text="headgate agent start --pool default" />
        </EmptyState>
      )}
      {rows && rows.length > 0 && (
        <DataTable
          name="pools"
          label="Work pools"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.id}
          onOpen={(row) => void navigate({ to: "/$organization/$workspace/pools/$pool", params: { organization, workspace, pool: row.name }, search: {} })}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
      {isNew && <PoolForm pool={undefined} onClose={() => setNew(false)} onDone={list.again} />}
    </>
  );
}
