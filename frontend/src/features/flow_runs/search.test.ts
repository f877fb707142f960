import { expect, test } from "vitest";
import { filterOf, isNarrowed, keptOf, lastInWords, listFilterOf, readSearch } from "@/features/flow_runs/search";

test("an address becomes the server's filter", () => {
  const search = readSearch({ state: ["FAILED", "CRASHED"], name: "etl", from: 0, to: 60_000 });

  expect(filterOf(search, 0)).toEqual({
    state: { type: ["FAILED", "CRASHED"] },
    name: { contains: "etl" },
    expectedStart: { gte: "1970-01-01T00:00:00.000Z", lt: "1970-01-01T00:01:00.000Z" },
  });
});

test("what is not understood is dropped", () => {
  const search = readSearch({ state: ["NOPE", 3], name: {}, from: 10, to: 5, other: "x" });

  expect(search).toEqual({});
  expect(isNarrowed(search)).toBe(false);
  expect(filterOf(search, 0)).toEqual({});
});

test("what is scheduled for later is left out until it is asked for", () => {
  const later = { state: { name: ["Scheduled"] }, expectedStart: { gte: "1970-01-01T00:01:00.000Z" } };

  expect(listFilterOf(readSearch({ name: "etl" }), 0)).toEqual({ name: { contains: "etl" }, not: later });
  expect(listFilterOf(readSearch({ coming: true }), 0)).toEqual({});
  expect(listFilterOf(readSearch({ state: "SCHEDULED" }), 0)).toEqual({ state: { type: ["SCHEDULED"] } });
});

test("one state may stand alone in an address", () => {
  expect(readSearch({ state: "FAILED" })).toEqual({ state: ["FAILED"] });
});

const HOUR = 3_600_000;

test("so many hours back go on with the time", () => {
  const search = readSearch({ last: 24 });

  expect(filterOf(search, 30 * HOUR)).toEqual({ expectedStart: { gte: "1970-01-01T06:00:00.000Z" } });
  expect(readSearch({ last: 24, from: 0, to: 5 })).toEqual({ from: 0, to: 5 });
  expect(readSearch({ last: -1 })).toEqual({});
});

test.each([
  ["reaches until now", { from: 6 * HOUR, to: 33 * HOUR, peek: "run_1", state: ["FAILED"] }, { last: 24, state: ["FAILED"] }],
  ["is past", { from: 6 * HOUR, to: 7 * HOUR }, { from: 6 * HOUR, to: 7 * HOUR }],
  ["is to come", { from: 31 * HOUR, to: 32 * HOUR }, { from: 31 * HOUR, to: 32 * HOUR }],
  ["is said in hours", { last: 168 }, { last: 168 }],
])("a view of a piece of time that %s is kept as such", (_, search, kept) => expect(keptOf(readSearch(search), 30 * HOUR)).toEqual(kept));

test.each([[1, "the last hour"], [24, "the last 24 hours"], [36, "the last 36 hours"], [168, "the last 7 days"]])("%d hours are %s", (hours, words) => expect(lastInWords(hours)).toBe(words));
