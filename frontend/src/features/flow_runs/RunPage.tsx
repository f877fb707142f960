/** One run: how it stands and why, what it did, and its log, live. */
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { useSubscription } from "urql";
import { RunDocument, type RunQuery, RunTasksDocument, RunUpdatesDocument } from "@/generated/graphql";
import { RunActions } from "@/features/flow_runs/RunActions";
import { RunFacts } from "@/features/flow_runs/RunFacts";
import { RunLog } from "@/features/flow_runs/RunLog";
import { RunParts } from "@/features/flow_runs/RunParts";
import { RunReason } from "@/features/flow_runs/RunReason";
import { RunWhen } from "@/features/flow_runs/RunWhen";
import type { RunTab } from "@/features/flow_runs/search";
import { useChosenTask } from "@/features/flow_runs/useChosenTask";
import { useReadQuery } from "@/lib/ahead";
import { useFavicon } from "@/lib/favicon";
import { useEnded } from "@/lib/changes";
import { useGathered, useReturns } from "@/lib/live";
import { usePages } from "@/lib/pages";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Crumb } from "@/ui/Crumb";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { StateLabel } from "@/ui/StateLabel";
import { hasEnded } from "@/ui/states";

/** Its own state comes with each update; its tasks are read again at this pace. */
const PACE_MS = 1_500;

export type RunShown = NonNullable<RunQuery["flowRun"]>;

export function RunPage() {
  const { run: id = "" } = useParams({ strict: false });
  const [{ data, error }, read] = useReadQuery(RunDocument, { id });
  const run = data?.flowRun;
  useTitle(run ? `${run.state.name} · ${run.name}` : "Run");
  useFavicon(run?.state.type);
  if (error && !run) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton rows={8} />;
  if (!run) return <EmptyState title="There is no such run, or you may not see it." />;
  return <RunView key={run.id} run={run} onChange={() => read({ requestPolicy: "network-only" })} />;
}

function RunView({ run, onChange }: { run: RunShown; onChange: () => void }) {
  const search = useSearch({ from: "/$organization/$workspace/runs/$run" });
  const navigate = useNavigate({ from: "/$organization/$workspace/runs/$run" });
  const variables = useMemo(() => ({ id: run.id }), [run.id]);
  const tasks = usePages("run tasks", RunTasksDocument, variables, (data) => data.flowRun?.taskRuns);
  const again = useGathered(() => {
    onChange();
    tasks.again();
  }, PACE_MS);
  const isOver = hasEnded(run.state.type);
  useReturns(again);
  useEnded(useWorkspaceId(), run.id, isOver, again);
  useSubscription({ query: RunUpdatesDocument, variables: { id: run.id }, pause: isOver }, (_, update) => {
    if (update.flowRunUpdates.states.length > 0 || update.flowRunUpdates.taskRuns.length > 0) again();
    return update;
  });
  const onTab = useCallback((tab: RunTab) => void navigate({ search: (before) => ({ ...before, tab }), replace: true }), [navigate]);
  const onTask = useCallback(
    (task: string | undefined) => void navigate({ search: ({ task: _task, ...before }) => (task === undefined ? before : { ...before, task }), replace: true }),
    [navigate],
  );
  const chosenTask = useChosenTask(run.id, search.task, tasks.rows);
  return (
    <div className="run-page">
      <PageHead
        crumbs={<><Crumb to="/runs">Runs</Crumb><span aria-hidden="true">/</span><Crumb to={`/flows/${encodeURIComponent(run.flow.name)}`}>{run.flow.name}</Crumb></>}
        title={run.name}
        note={<StateLabel type={run.state.type} name={run.state.name} />}
        actions={<RunActions run={run} onDone={again} />}
      />
      <section className="run-stand" aria-label="How it stands" tabIndex={0}>
        <p className="m-0 flex flex-wrap gap-x-4 gap-y-1 text-[13px]">
          <RunWhen run={run} />
          {run.attempt > 1 && <span>{`attempt ${run.attempt}`}</span>}
          {run.lease?.agent && <span>on <Crumb to={`/agents/${run.lease.agent.id}`}>{run.lease.agent.name}</Crumb></span>}
        </p>
        <RunReason run={run} />
      </section>
      <div className="run-body">
        <RunParts run={run} tasks={tasks} tab={search.tab ?? "timeline"} onTab={onTab} task={search.task} chosenTask={chosenTask} onTask={onTask} />
        <aside className="run-aside" role="region" aria-label="About the run" tabIndex={0}>
          <RunFacts run={run} />
        </aside>
      </div>
      <RunLog runId={run.id} isOver={isOver} task={chosenTask} onTask={onTask} />
    </div>
  );
}
