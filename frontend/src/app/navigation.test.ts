import { expect, test } from "vitest";
import { neededAt } from "@/app/navigation";

test.each([
  ["/logs", "LOGS_READ"],
  ["/events", "EVENTS_READ"],
  ["/runs/run_1/compare", "RUNS_READ"],
  ["/task-runs/trun_1", "RUNS_READ"],
  ["", undefined],
  ["/start", undefined],
  ["/logsuite", undefined],
])("%j takes %s", (path, needs) => expect(neededAt(path)).toBe(needs));
