import { expect, test } from "vitest";
import { percentileOf, successOf } from "@/features/flows/figures";

const run = (type: string, duration: string | null = null) => ({ state: { type }, duration });

test("success counts what completed and what failed, and nothing else", () => {
  expect(successOf([run("COMPLETED"), run("COMPLETED"), run("CRASHED"), run("RUNNING"), run("CANCELLED")])).toBeCloseTo(2 / 3);
  expect(successOf([run("RUNNING")])).toBeUndefined();
});

test("percentiles are of completed runs, by nearest rank", () => {
  const runs = Array.from({ length: 20 }, (_, index) => run("COMPLETED", `PT${20 - index}S`));

  expect(percentileOf([...runs, run("FAILED", "PT900S")], 50)).toBe(10_000);
  expect(percentileOf(runs, 95)).toBe(19_000);
  expect(percentileOf([], 50)).toBeUndefined();
});
