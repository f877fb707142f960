import { describe, expect, test } from "vitest";
import { movedBy, pieceOf, ticksOf } from "@/ui/rail";

const HOUR = 3_600_000;
const from = Date.parse("2026-11-28T00:30:00Z");

test("ticks fall on whole hours of the zone", () => {
  const ticks = ticksOf({ from, to: from + 24 * HOUR }, -60);

  expect(ticks.map((tick) => new Date(tick).toISOString().slice(11, 16))).toEqual([
    "02:00", "05:00", "08:00", "11:00", "14:00", "17:00", "20:00", "23:00",
  ]);
});

test("there are never more than ten and a bit, however long the window", () => {
  for (const days of [1, 3, 14, 90, 800]) {
    expect(ticksOf({ from, to: from + days * 24 * HOUR }, 0).length).toBeLessThanOrEqual(11);
  }
});

test("a brush drawn to the left is the same piece, and never leaves the rail", () => {
  const whole = { from: 0, to: 100 };

  expect(pieceOf(whole, 0.6, 0.2)).toEqual({ from: 20, to: 60 });
  expect(pieceOf(whole, 1.4, -2)).toEqual({ from: 0, to: 100 });
});

describe("keys", () => {
  const day = { count: 24, start: 20 };

  test.each([
    ["ArrowLeft", false, undefined, { from: 20, to: 21 }],
    ["ArrowLeft", false, { from: 20, to: 21 }, { from: 19, to: 20 }],
    ["ArrowRight", false, { from: 23, to: 24 }, { from: 23, to: 24 }],
    ["ArrowRight", true, { from: 20, to: 21 }, { from: 20, to: 22 }],
    ["ArrowLeft", true, { from: 20, to: 21 }, { from: 20, to: 21 }],
    ["ArrowRight", false, { from: 3, to: 6 }, { from: 6, to: 7 }],
    ["Home", false, { from: 20, to: 21 }, { from: 0, to: 1 }],
    ["End", true, { from: 20, to: 21 }, { from: 20, to: 24 }],
    ["a", false, { from: 20, to: 21 }, undefined],
  ] as const)("%s with Shift %s leads from %j to %j", (key, hasShift, slots, to) => expect(movedBy(key, hasShift, slots, day)).toEqual(to));
});
