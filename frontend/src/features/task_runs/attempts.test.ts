import { expect, test } from "vitest";
import { attemptsOf } from "@/features/task_runs/attempts";

const state = (sequence: number, type: string, name: string) => ({ sequence, type, name });

test("an attempt begins where it runs again", () => {
  const attempts = attemptsOf([
    state(1, "PENDING", "Pending"), state(2, "RUNNING", "Running"), state(3, "SCHEDULED", "AwaitingRetry"),
    state(4, "RUNNING", "Retrying"), state(5, "COMPLETED", "Completed"),
  ]);

  expect(attempts.map((states) => states.map(({ sequence }) => sequence))).toEqual([[1, 2, 3], [4, 5]]);
});

test("a single attempt is one, in order", () => {
  expect(attemptsOf([state(2, "COMPLETED", "Cached"), state(1, "PENDING", "Pending")])).toHaveLength(1);
  expect(attemptsOf([])).toEqual([]);
});
