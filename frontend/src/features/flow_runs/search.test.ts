import { expect, test } from "vitest";
import { filterOf, isNarrowed, listFilterOf, readSearch } from "@/features/flow_runs/search";

test("an address becomes the server's filter", () => {
  const search = readSearch({ state: ["FAILED", "CRASHED"], name: "etl", from: 0, to: 60_000 });

  expect(filterOf(search)).toEqual({
    state: { type: ["FAILED", "CRASHED"] },
    name: { contains: "etl" },
    expectedStart: { gte: "1970-01-01T00:00:00.000Z", lt: "1970-01-01T00:01:00.000Z" },
  });
});

test("what is not understood is dropped", () => {
  const search = readSearch({ state: ["NOPE", 3], name: {}, from: 10, to: 5, other: "x" });

  expect(search).toEqual({});
  expect(isNarrowed(search)).toBe(false);
  expect(filterOf(search)).toEqual({});
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
