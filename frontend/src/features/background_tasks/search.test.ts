import { expect, test } from "vitest";
import { filterOf, readBackgroundTasksSearch } from "@/features/background_tasks/search";

test("an address says which calls, in one order, and what is none of them is left out", () => {
  expect(readBackgroundTasksSearch({ standing: ["failed", "waiting", "asleep"], task: "btask_1" })).toEqual({ standing: ["waiting", "failed"], task: "btask_1" });
  expect(readBackgroundTasksSearch({ standing: "running" })).toEqual({ standing: ["running"] });
  expect(readBackgroundTasksSearch({ standing: [], task: "" })).toEqual({});
});

test("each standing is all of its states, and none is any", () => {
  expect(filterOf(["waiting", "failed"])).toEqual({ states: ["SCHEDULED", "PENDING", "FAILED", "CRASHED"] });
  expect(filterOf(undefined)).toEqual({});
});
