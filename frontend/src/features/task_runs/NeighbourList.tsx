/** What went into a task run and what it went into, each a link. */
import { useQuery } from "urql";
import { TaskNeighboursDocument } from "@/generated/graphql";
import { type Neighbour, neighboursOf, neighbourTasksOf } from "@/features/task_runs/neighbours";
import { Crumb } from "@/ui/Crumb";
import { Fact } from "@/ui/Fact";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { StateLabel } from "@/ui/StateLabel";

export interface NeighbourListProps {
  task: { id: string; taskKey: string };
  runId: string;
}

export function NeighbourList({ task, runId }: NeighbourListProps) {
  const [{ data, error }, read] = useQuery({ query: TaskNeighboursDocument, variables: { id: runId }, requestPolicy: "cache-and-network" });
  const graph = data?.flowRun?.graph;
  if (error && !graph) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!graph) return <Skeleton rows={2} />;
  if (graph.grouped) return <ByTask {...neighbourTasksOf(graph, task.taskKey)} total={graph.total} runId={runId} />;
  const { upstream, downstream, calls } = neighboursOf(graph, task.id);
  return (
    <section className="grid gap-2">
      <h2>Inputs and what it went into</h2>
      <Side title="Results of these went into it" none="No other task's result went into it." neighbours={upstream} />
      <Side title="Its result went into these" none="Its result went into no other task." neighbours={downstream} />
      {calls.length > 0 && <Side title="It called these runs" none="" neighbours={calls} />}
    </section>
  );
}

function Side({ title, none, neighbours }: { title: string; none: string; neighbours: readonly Neighbour[] }) {
  if (neighbours.length === 0) return <p className="faint m-0 text-[13px]">{none}</p>;
  return (
    <div className="grid max-w-xl gap-1 text-[13px]">
      <h3 className="m-0">{`${title} (${neighbours.length.toLocaleString("en")})`}</h3>
      <ul aria-label={title} className="m-0 max-h-60 list-none overflow-auto p-0" tabIndex={0}>
        {neighbours.map(({ id, name, state, to }) => (
          <li key={id} className="flex justify-between gap-3"><Crumb to={to}>{name}</Crumb><StateLabel type={state.type} name={state.name} /></li>
        ))}
      </ul>
    </div>
  );
}

function namesOf(tasks: readonly string[]) {
  return tasks.length > 0 ? <code>{tasks.join(", ")}</code> : <span className="faint">no other task</span>;
}

function ByTask({ upstream, downstream, total, runId }: { upstream: readonly string[]; downstream: readonly string[]; total: number; runId: string }) {
  return (
    <section className="grid gap-2">
      <h2>Inputs and what it went into</h2>
      <dl className="facts">
        <Fact name="Results went into it of">{namesOf(upstream)}</Fact>
        <Fact name="Its results went into">{namesOf(downstream)}</Fact>
      </dl>
      <p className="faint m-0 text-[13px]">{`By task, because the run has ${total.toLocaleString("en")} task runs. `}<Crumb to={`/runs/${runId}`} search={{ tab: "graph" }}>See its graph</Crumb></p>
    </section>
  );
}
