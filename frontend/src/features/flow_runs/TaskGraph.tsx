/** What went into each task run of a run; where there are too many, into each task. */
import { useEffect, useMemo } from "react";
import { useQuery } from "urql";
import { RunGraphDocument, type RunGraphQuery } from "@/generated/graphql";
import { parseDuration, showDuration } from "@/lib/time";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { Graph, type GraphNode } from "@/ui/graph/Graph";

type Drawn = NonNullable<RunGraphQuery["flowRun"]>["graph"];

/** A group stands as its worst state does. */
const WORST = ["CRASHED", "FAILED", "PAUSED", "RUNNING", "CANCELLING", "CANCELLED", "PENDING", "SCHEDULED", "COMPLETED"];

export interface TaskGraphProps {
  runId: string;
  /** Changes whenever a task run has. */
  mark: unknown;
  task: string | undefined;
  onTask: (task: string | undefined) => void;
}

export function TaskGraph({ runId, mark, task, onTask }: TaskGraphProps) {
  const [{ data, error }, read] = useQuery({ query: RunGraphDocument, variables: { id: runId } });
  useEffect(() => read({ requestPolicy: "network-only" }), [read, mark]);
  const graph = data?.flowRun?.graph;
  const nodes = useMemo(() => (graph ? nodesOf(graph) : []), [graph]);
  if (error && !graph) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!graph) return <Skeleton rows={6} />;
  if (nodes.length === 0) return <EmptyState title="It has no task runs." />;
  const choose = (id: string): void => {
    if (!graph.grouped) onTask(id === task ? undefined : id);
  };
  return (
    <>
      {graph.grouped && <p className="faint m-0 px-(--pad) py-2 text-[13px]">{`${graph.total.toLocaleString("en")} task runs, by task.`}</p>}
      <Graph nodes={nodes} label="What went into what" chosen={task} onChoose={choose} />
    </>
  );
}

export function nodesOf(graph: Drawn): GraphNode[] {
  if (!graph.grouped) {
    return graph.nodes.map(({ run, parents }) => ({
      id: run.id,
      parents,
      title: run.name,
      state: run.state,
      note: run.duration ? showDuration(parseDuration(run.duration)) : undefined,
    }));
  }
  return graph.groups.map(({ taskKey, parents, counts }) => {
    const type = WORST.find((each) => counts.some(({ state, count }) => state === each && count > 0)) ?? "SCHEDULED";
    const total = counts.reduce((sum, { count }) => sum + count, 0);
    return { id: taskKey, parents, title: taskKey, state: { type, name: type.charAt(0) + type.slice(1).toLowerCase() }, note: `×${total.toLocaleString("en")}` };
  });
}
