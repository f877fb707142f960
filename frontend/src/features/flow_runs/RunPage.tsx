/** One run: how it stands and why, its tasks, its states and its log, live. */
import { useParams } from "@tanstack/react-router";
import { useQuery, useSubscription } from "urql";
import { RunDocument, RunUpdatesDocument, type RunQuery } from "@/generated/graphql";
import { RunActions } from "@/features/flow_runs/RunActions";
import { RunFacts } from "@/features/flow_runs/RunFacts";
import { RunLog } from "@/features/flow_runs/RunLog";
import { StateHistory } from "@/features/flow_runs/StateHistory";
import { TaskTable } from "@/features/flow_runs/TaskTable";
import { useGathered } from "@/lib/live";
import { useTitle } from "@/lib/title";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { StateLabel } from "@/ui/StateLabel";
import { hasEnded } from "@/ui/states";
import { Duration, Time } from "@/ui/Time";

type RunShown = NonNullable<RunQuery["flowRun"]>;

export function RunPage() {
  const { run: id = "" } = useParams({ strict: false });
  const [{ data, error }, read] = useQuery({ query: RunDocument, variables: { id } });
  const again = useGathered(() => read({ requestPolicy: "network-only" }));
  const run = data?.flowRun;
  useSubscription(
    { query: RunUpdatesDocument, variables: { id }, pause: !run || hasEnded(run.state.type) },
    (_, update) => {
      if (update.flowRunUpdates.states.length > 0 || update.flowRunUpdates.taskRuns.length > 0) again();
      return update;
    },
  );
  useTitle(run ? `${run.state.name} · ${run.name}` : "Run");
  if (error && !run) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton rows={8} />;
  if (!run) return <EmptyState title="There is no such run, or you may not see it." />;
  return <RunView run={run} />;
}

function RunView({ run }: { run: RunShown }) {
  return (
    <div className="grid h-full grid-rows-[auto_minmax(0,1fr)_minmax(160px,40%)]">
      <header className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-(--hairline) px-5 py-3">
        <StateLabel type={run.state.type} name={run.state.name} />
        <strong className="text-[16px]">{run.name}</strong>
        <span className="faint">{run.flow.name}</span>
        <span className="text-[13px]">
          <Time at={run.startedAt ?? run.expectedStart} />
          {" · "}
          <Duration length={run.duration} startedAt={run.startedAt} endedAt={run.endedAt} />
        </span>
        <RunActions run={run} />
        {run.state.message && <p className="faint m-0 basis-full text-[13px]">{run.state.message}</p>}
      </header>
      <div className="grid min-h-0 grid-cols-[minmax(0,1fr)_320px] overflow-auto max-lg:grid-cols-1" role="region" aria-label="Tasks and states" tabIndex={0}>
        <TaskTable tasks={run.taskRuns.nodes} total={run.taskRuns.totalCount.value} />
        <aside className="grid content-start gap-5 border-l border-(--hairline) p-5">
          <RunFacts run={run} />
          <StateHistory states={run.stateHistory.nodes} />
        </aside>
      </div>
      <RunLog runId={run.id} />
    </div>
  );
}
