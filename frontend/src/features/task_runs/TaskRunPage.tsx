/** One task run: how it stands, its attempts by its states, its log, and what it left. */
import { useParams } from "@tanstack/react-router";
import { useQuery } from "urql";
import { TaskRunDocument, type TaskRunQuery } from "@/generated/graphql";
import { attemptsOf } from "@/features/task_runs/attempts";
import { CacheFacts } from "@/features/task_runs/CacheFacts";
import { NeighbourList } from "@/features/task_runs/NeighbourList";
import { useChanges } from "@/lib/changes";
import { useHolds } from "@/lib/scopes";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { ArtifactView } from "@/ui/ArtifactView";
import { Id } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { Fact } from "@/ui/Fact";
import { EmptyState, ErrorState, Lacks, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { StateLabel } from "@/ui/StateLabel";
import { Duration, Time } from "@/ui/Time";

type TaskShown = Extract<NonNullable<TaskRunQuery["node"]>, { __typename: "TaskRun" }>;

export function TaskRunPage() {
  const { taskRun: id = "" } = useParams({ strict: false });
  const [withLogs, withArtifacts] = [useHolds("LOGS_READ"), useHolds("ARTIFACTS_READ")];
  const variables = { id, withLogs: withLogs ?? false, withArtifacts: withArtifacts ?? false };
  const [{ data, error }, read] = useQuery({ query: TaskRunDocument, variables, pause: withLogs === undefined });
  const again = (): void => read({ requestPolicy: "network-only" });
  const task = data?.node?.__typename === "TaskRun" ? data.node : undefined;
  useChanges(useWorkspaceId(), ["flow_run"], again);
  useTitle(task ? `${task.state.name} · ${task.name}` : "Task run");
  if (error && !task) return <ErrorState error={error} onRetry={again} />;
  if (!data) return <Skeleton rows={8} />;
  if (!task) return <EmptyState title="There is no such task run, or you may not see it." />;
  return <TaskView task={task} />;
}

function TaskView({ task }: { task: TaskShown }) {
  const { flowRun } = task;
  return (
    <>
      <PageHead
        crumbs={<><Crumb to="/runs">Runs</Crumb><span aria-hidden="true">/</span><Crumb to={`/runs/${flowRun.id}`} search={{ task: task.id }}>{flowRun.name}</Crumb></>}
        title={task.name}
        note={<StateLabel type={task.state.type} name={task.state.name} />}
      />
      <div className="panes">
        <div className="pane">
          {task.state.message && <p className="m-0 wrap-anywhere">{task.state.message}</p>}
          <Attempts task={task} />
          <NeighbourList task={task} runId={flowRun.id} />
          <section className="grid gap-2">
            <h2>Log</h2>
            <Lines task={task} />
          </section>
          {task.artifacts?.nodes.map((artifact) => (
            <section key={artifact.id} className="grid gap-2">
              <h2>{artifact.key ?? artifact.type}</h2>
              <ArtifactView type={artifact.type} data={artifact.data} description={artifact.description} />
            </section>
          ))}
        </div>
        <aside>
          <dl className="facts">
            <Fact name="Id"><Id id={task.id} /></Fact>
            <Fact name="Run"><Crumb to={`/runs/${flowRun.id}`}>{flowRun.name}</Crumb></Fact>
            <Fact name="Flow"><Crumb to={`/flows/${encodeURIComponent(flowRun.flow.name)}`}>{flowRun.flow.name}</Crumb></Fact>
            <Fact name="Task"><code>{task.taskKey}</code>{task.mapIndex !== null && task.mapIndex !== undefined && <span className="num">{` number ${task.mapIndex}`}</span>}</Fact>
            <Fact name="Started"><Time at={task.startedAt} /></Fact>
            <Fact name="Took"><Duration length={task.duration} startedAt={task.startedAt} endedAt={task.endedAt} /></Fact>
            <Fact name="Attempt"><span className="num">{task.attempt}</span></Fact>
            <CacheFacts task={task} />
            {task.tags.length > 0 && <Fact name="Tags">{task.tags.map((tag) => <span key={tag} className="tag mr-1">{tag}</span>)}</Fact>}
          </dl>
        </aside>
      </div>
    </>
  );
}

function Attempts({ task }: { task: TaskShown }) {
  const attempts = attemptsOf(task.stateHistory.nodes);
  return (
    <section className="grid gap-2">
      <h2>{attempts.length > 1 ? "Attempts" : "States"}</h2>
      <div className="attempts">
        {attempts.map((states, index) => (
          <ol key={states[0]?.id} className="attempt" aria-label={`Attempt ${index + 1}`}>
            {attempts.length > 1 && <li><strong className="num">{`Attempt ${index + 1}`}</strong></li>}
            {states.map((state) => (
              <li key={state.id} className="grid gap-0.5 text-[13px]">
                <span className="flex justify-between gap-3"><StateLabel type={state.type} name={state.name} /><Time at={state.timestamp} /></span>
                {state.message && <span className="faint wrap-anywhere">{state.message}</span>}
              </li>
            ))}
          </ol>
        ))}
      </div>
    </section>
  );
}

function Lines({ task }: { task: TaskShown }) {
  if (!task.logs) return <Lacks needs="LOGS_READ" />;
  const { nodes, totalCount } = task.logs;
  if (nodes.length === 0) return <p className="faint m-0 text-[13px]">It logged nothing.</p>;
  return (
    <>
      <pre className="command m-0 max-h-96 text-[13px]" tabIndex={0} role="region" aria-label="Log of the task run">{nodes.map(({ message }) => message).join("\n")}</pre>
      {totalCount.value > nodes.length && (
        <p className="faint m-0 text-[13px]">
          {`The first ${nodes.length} of ${totalCount.value.toLocaleString("en")} lines. `}
          <Crumb to={`/runs/${task.flowRun.id}`} search={{ task: task.id }}>See them all in the run</Crumb>
        </p>
      )}
    </>
  );
}
