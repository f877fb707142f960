import { expect, test } from "vitest";
import { barsOf, cellsOf, pieceAround } from "@/features/flow_runs/columns";

test("columns are read into bars, with times in milliseconds", () => {
  const bars = barsOf({
    id: ["trun_1", "trun_2"], name: ["load-0", "load-1"], taskKey: ["load", "load"], state: ["COMPLETED", "RUNNING"],
    stateName: ["Completed", "Running"], begun: [1_500, 2_000_000], ended: [3_000, null],
  });

  expect(bars.map(({ id, lane, begun, ended }) => [id, lane, begun, ended])).toEqual([["trun_1", "load", 1.5, 3], ["trun_2", "load", 2000, undefined]]);
});

test("counts are cells; tasks that share a lane have a name, and a slot where none began is none", () => {
  const cells = cellsOf({
    from: "1970-01-01T00:00:10Z", slot: "PT2S",
    counts: { taskKey: ["load", null, "load"], slot: [0, 3, 4], state: ["COMPLETED", "FAILED", "COMPLETED"], begun: [7, 1, 0], ended: [7, 1, 2] },
  });

  expect(cells).toEqual([
    { lane: "load", from: 10_000, to: 12_000, state: "COMPLETED", count: 7 },
    { lane: "other tasks", from: 16_000, to: 18_000, state: "FAILED", count: 1 },
  ]);
});

test.each([null, undefined, 7, {}])("%j holds nothing", (value) => expect(barsOf(value)).toEqual([]));

test("a piece around one of very many task runs is short, and lies in the whole", () => {
  const whole = { from: 0, to: 1_000_000 };
  const at = (seconds: number): string => new Date(seconds * 1000).toISOString();

  expect(pieceAround({ begun: at(500), ended: at(502) }, whole, 10_000)).toEqual({ from: 481_000, to: 521_000 });
  expect(pieceAround({ begun: at(1), ended: null }, whole, 10_000)).toEqual({ from: 0, to: 40_000 });
  expect(pieceAround({ begun: at(500) }, whole, 3)).toEqual(whole);
});
