/** What went into a task run, and what it went into: of the graph of its run. */
import type { TaskNeighboursQuery } from "@/generated/graphql";

type Drawn = NonNullable<TaskNeighboursQuery["flowRun"]>["graph"];

export interface Neighbour {
  id: string;
  name: string;
  state: { type: string; name: string };
  /** Below the workspace. */
  to: string;
}

export interface Neighbours {
  upstream: Neighbour[];
  downstream: Neighbour[];
  /** Runs of other flows that it stands for. */
  calls: Neighbour[];
}

export function neighboursOf({ nodes }: Pick<Drawn, "nodes">, id: string): Neighbours {
  const own = nodes.find(({ run }) => run.id === id);
  const shown = nodes.map(({ run, parents }) => ({
    parents,
    isFlow: run.__typename === "FlowRun",
    neighbour: { id: run.id, name: run.name, state: run.state, to: `/${run.__typename === "FlowRun" ? "runs" : "task-runs"}/${run.id}` },
  }));
  const behind = shown.filter(({ parents }) => parents.includes(id));
  return {
    upstream: shown.filter(({ neighbour }) => own?.parents.includes(neighbour.id)).map(({ neighbour }) => neighbour),
    downstream: behind.filter(({ isFlow }) => !isFlow).map(({ neighbour }) => neighbour),
    calls: behind.filter(({ isFlow }) => isFlow).map(({ neighbour }) => neighbour),
  };
}

/** The same by task, where a run has too many task runs to tell them one by one. */
export function neighbourTasksOf({ groups }: Pick<Drawn, "groups">, taskKey: string): { upstream: string[]; downstream: string[] } {
  return {
    upstream: [...(groups.find((group) => group.taskKey === taskKey)?.parents ?? [])],
    downstream: groups.filter(({ parents }) => parents.includes(taskKey)).map((group) => group.taskKey),
  };
}
