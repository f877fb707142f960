import { expect, test } from "vitest";
import { filterOf, isNarrowed, readSearch } from "@/features/flow_runs/search";

test("an address becomes the server's filter", () => {
  const search = readSearch({ state: ["FAILED", "CRASHED"], name: "etl", from: 0, to: 60_000 });

  expect(filterOf(search)).toEqual({
    state: { type: ["FAILED", "CRASHED"] },
    name: { contains: "etl" },
    expectedStart: { gte: "1970-01-01T00:00:00.000Z", lt: "1970-01-01T00:01:00.000Z" },
  });
});

test("what is not understood is dropped", () => {
  const search = readSearch({ state: ["NOPE", 3], name: 7, from: 10, to: 5, other: "x" });

  expect(search).toEqual({});
  expect(isNarrowed(search)).toBe(false);
  expect(filterOf(search)).toEqual({});
});

test("one state may stand alone in an address", () => {
  expect(readSearch({ state: "FAILED" })).toEqual({ state: ["FAILED"] });
});
