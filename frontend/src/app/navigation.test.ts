import { expect, test } from "vitest";
import { neededAt } from "@/app/navigation";

test.each([
  ["/logs", "LOGS_READ"],
  ["/events", "EVENTS_READ"],
  ["/runs/run_1/compare", undefined],
  ["/deployments/dep_1", undefined],
  ["/task-runs/trun_1", undefined],
  ["", undefined],
  ["/start", undefined],
  ["/logsuite", undefined],
])("%j takes %s", (path, needs) => expect(neededAt(path)).toBe(needs));
