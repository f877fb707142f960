import { expect, test } from "vitest";
import { holdersOf, readAction } from "@/ui/blockers";

test("who holds what is waited for is shown where each is: runs, then background tasks", () => {
  const holders = [{ id: "run_1", name: "nightly" }];
  const backgroundTasks = [{ id: "btask_1", name: "double-1" }];

  expect(holdersOf({ code: "TAG_LIMIT", message: "", holders, backgroundTasks })).toEqual([
    { id: "run_1", name: "nightly", to: "/runs/run_1", search: {} },
    { id: "btask_1", name: "double-1", to: "/background-tasks", search: { task: "btask_1" } },
  ]);
  expect(holdersOf({ code: "NO_WORKER", message: "", holders: [] })).toEqual([]);
});

test("an action is a mutation with its variables, or a command; anything else is none", () => {
  expect(readAction({ label: "Resume", mutation: "mutation { a }", variables: { a: 1 } })).toEqual({ label: "Resume", mutation: "mutation { a }", variables: { a: 1 } });
  expect(readAction({ label: "Serve it", command: "headgate task serve" })).toEqual({ label: "Serve it", command: "headgate task serve", variables: {} });
  expect(readAction({ label: "Resume" })).toBeUndefined();
  expect(readAction("Resume")).toBeUndefined();
});
