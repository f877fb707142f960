import { expect, test } from "vitest";
import { neighboursOf, neighbourTasksOf } from "@/features/task_runs/neighbours";

const node = (id: string, parents: string[], kind: "TaskRun" | "FlowRun" = "TaskRun") =>
  ({ parents, run: { __typename: kind, id, name: `${id}-0`, state: { id: `st_${id}`, type: "COMPLETED", name: "Completed" } } }) as const;

test("what went into a task run, what it went into, and the runs that it called are told apart", () => {
  const nodes = [node("a", []), node("b", []), node("c", ["a", "b"]), node("d", ["c"]), node("e", ["a"]), node("run", ["c"], "FlowRun")];

  const { upstream, downstream, calls } = neighboursOf({ nodes: [...nodes] }, "c");

  expect(upstream.map(({ to }) => to)).toEqual(["/task-runs/a", "/task-runs/b"]);
  expect(downstream.map(({ to }) => to)).toEqual(["/task-runs/d"]);
  expect(calls.map(({ to }) => to)).toEqual(["/runs/run"]);
});

test("a task run that the graph does not know has no neighbours", () => {
  expect(neighboursOf({ nodes: [node("a", [])] }, "z")).toEqual({ upstream: [], downstream: [], calls: [] });
});

test("by task, where there are too many task runs", () => {
  const groups = [{ taskKey: "extract", parents: [] }, { taskKey: "load", parents: ["extract"] }, { taskKey: "report", parents: ["load"] }];

  expect(neighbourTasksOf({ groups }, "load")).toEqual({ upstream: ["extract"], downstream: ["report"] });
});
