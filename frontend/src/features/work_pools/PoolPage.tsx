/** One work pool: its queues by priority, its agents, what waits and runs, and the template of its jobs. */
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { PoolDeleteDocument, PoolUpsertDocument, PoolWaitingDocument, WorkPoolDocument, type WorkPoolQuery } from "@/generated/graphql";
import { AgentTable } from "@/features/work_pools/AgentTable";
import { Capacity } from "@/ui/Capacity";
import { PoolForm } from "@/features/work_pools/PoolForm";
import { Queues } from "@/features/work_pools/Queues";
import type { PoolTab } from "@/features/work_pools/routes";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { parseDuration, showDuration } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { Command } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { JsonView } from "@/ui/JsonView";
import { Menu } from "@/ui/Menu";
import { PageHead } from "@/ui/PageHead";
import { PoolStatus } from "@/ui/PoolStatus";
import { RunTable } from "@/ui/runs/RunTable";
import { Tabs } from "@/ui/Tabs";
import { tell } from "@/ui/toasts";

export type PoolShown = NonNullable<NonNullable<WorkPoolQuery["workspace"]>["workPool"]>;

export function PoolPage() {
  const { organization, workspace } = usePlace();
  const { pool: name = "" } = useParams({ strict: false });
  const [{ data, error }, read] = useQuery({ query: WorkPoolDocument, variables: { organization, workspace, name } });
  const again = (): void => read({ requestPolicy: "network-only" });
  useChanges(useWorkspaceId(), ["work_pool", "work_queue", "agent", "flow_run"], again);
  useTitle(name, "Work pools");
  const pool = data?.workspace?.workPool;
  if (error && !pool) return <ErrorState error={error} onRetry={again} />;
  if (!data) return <Skeleton rows={8} />;
  if (!pool) return <EmptyState title="There is no such work pool, or you may not see it." />;
  return <PoolView pool={pool} onChange={again} />;
}

function PoolView({ pool, onChange }: { pool: PoolShown; onChange: () => void }) {
  const { tab = "queues" } = useSearch({ from: "/$organization/$workspace/pools/$pool" });
  const navigate = useNavigate({ from: "/$organization/$workspace/pools/$pool" });
  const online = pool.agents.nodes.filter(({ state }) => state === "ONLINE");
  const capacity = online.reduce((sum, agent) => sum + agent.capacity, 0);
  const { backlog } = pool;
  return (
    <div className="object-page">
      <PageHead crumbs={<Crumb to="/pools">Work pools</Crumb>} title={pool.name} note={<PoolStatus status={pool.status} />} actions={<Actions pool={pool} onChange={onChange} />} />
      <div className="run-stand text-[13px]" tabIndex={0}>
        <p className="m-0 flex flex-wrap items-center gap-x-5 gap-y-2">
          <Capacity label={pool.name} taken={backlog.running + backlog.offered} room={Math.min(capacity, pool.concurrencyLimit ?? capacity)} waiting={backlog.ready} />
          <span className="num">{`${backlog.running} running, ${backlog.ready} waiting, ${backlog.scheduled} later`}</span>
          {backlog.oldestReadyAge && <span>{`The oldest waits for ${showDuration(parseDuration(backlog.oldestReadyAge))}`}</span>}
          <span className="faint">{pool.concurrencyLimit ? `At most ${pool.concurrencyLimit} at once` : "No limit but its agents'"}</span>
        </p>
        {pool.status === "NOT_READY" && <Command text={`headgate agent start --pool ${pool.name}`} />}
      </div>
      <Tabs
        label="Parts of the pool"
        tab={tab}
        onTab={(next: PoolTab) => void navigate({ search: { tab: next }, replace: true })}
        tabs={[
          { name: "queues", label: `Queues ${pool.queues.length + pool.queuesMore}` },
          { name: "agents", label: `Agents ${online.length}` },
          { name: "runs", label: "Waiting and running" },
          { name: "template", label: "Template" },
        ]}
      >
        <div className="h-full overflow-auto" data-scroller="part" tabIndex={0}>
          {tab === "queues" && <Queues pool={pool} onChange={onChange} />}
          {tab === "agents" && <AgentTable agents={pool.agents.nodes} poolName={pool.name} />}
          {tab === "runs" && <Waiting poolId={pool.id} />}
          {tab === "template" && <div className="pane"><JsonView value={pool.baseJobTemplate} label="Template of its jobs" /></div>}
        </div>
      </Tabs>
    </div>
  );
}

function Waiting({ poolId }: { poolId: string }) {
  const { organization, workspace } = usePlace();
  const list = usePages("pool runs", PoolWaitingDocument, { organization, workspace, pool: poolId }, (data) => data.workspace?.flowRuns);
  useChanges(useWorkspaceId(), ["flow_run"], list.again);
  if (list.error && !list.rows) return <ErrorState error={list.error} onRetry={list.again} />;
  if (!list.rows) return <Skeleton rows={6} />;
  if (list.rows.length === 0) return <EmptyState title="Nothing waits here, and nothing runs." />;
  return <RunTable name="pool_runs" runs={list.rows} hasMore={list.hasMore} onMore={list.more} />;
}

function Actions({ pool, onChange }: { pool: PoolShown; onChange: () => void }) {
  const place = usePlace();
  const navigate = useNavigate();
  const workspaceId = useWorkspaceId();
  const [isEdited, setEdited] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const upsert = useAct(PoolUpsertDocument);
  const remove = useAct(PoolDeleteDocument);
  const setPaused = async (paused: boolean): Promise<void> => {
    if (workspaceId === undefined) return;
    const input = { workspaceId, name: pool.name, type: pool.type, paused };
    if (!(await upsert.act({ input }))) return;
    tell(paused ? "The pool is paused: nothing is handed out." : "The pool hands out runs again.", { undo: () => void upsert.act({ input: { ...input, paused: !paused } }).then(onChange) });
    onChange();
  };
  return (
    <>
      <Button needs="POOLS_WRITE" isBusy={upsert.isBusy} onClick={() => void setPaused(!pool.paused)}>{pool.paused ? "Resume" : "Pause"}</Button>
      <Menu
        label="⋯"
        name="More to do"
        entries={[
          { label: "Change…", needs: "POOLS_WRITE", onSelect: () => setEdited(true) },
          { label: "Delete…", needs: "POOLS_WRITE", isDanger: true, onSelect: () => setAsked(true) },
        ]}
      />
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={`Delete ${pool.name}?`}
        verb="Delete the pool"
        typed={pool.name}
        onConfirm={async () => {
          if (!(await remove.act({ input: { id: pool.id } }))) return;
          tell(`${pool.name} is deleted.`);
          void navigate({ to: "/$organization/$workspace/pools", params: place });
        }}
      >
        Its queues are gone with it, and its agents are sent away. Deployments that use it have no pool any more.
      </Confirm>
      {isEdited && <PoolForm pool={pool} onClose={() => setEdited(false)} onDone={onChange} />}
    </>
  );
}
