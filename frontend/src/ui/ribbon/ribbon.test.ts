import { expect, test } from "vitest";
import { ceilingOf, fortnightUntil, stretchesOf } from "@/ui/ribbon/ribbon";

const bucket = (p50: string | null, p95: string | null) => ({ at: "2026-11-28T00:00:00Z", completed: p50 ? 1 : 0, failed: 0, p50, p95 });

test("a hole in the runs is a hole in the ribbon", () => {
  const stretches = stretchesOf([bucket(null, null), bucket("PT1S", "PT2S"), bucket("PT3S", "PT4S"), bucket(null, null), bucket("PT5S", "PT5S")]);

  expect(stretches.map((each) => each.map(({ index, p50, p95 }) => [index, p50, p95]))).toEqual([
    [[1, 1_000, 2_000], [2, 3_000, 4_000]],
    [[4, 5_000, 5_000]],
  ]);
});

test("the scale ends at a round length", () => {
  expect([40, 1_001, 61_000, 3_600_000, 30 * 3_600_000].map(ceilingOf)).toEqual([100, 2_000, 120_000, 3_600_000, 48 * 3_600_000]);
});

test("a fortnight is 28 whole pieces, the last of which is now", () => {
  const { from, to } = fortnightUntil(Date.parse("2026-11-28T13:00:00Z"));

  expect([from, to]).toEqual(["2026-11-15T00:00:00.000Z", "2026-11-29T00:00:00.000Z"]);
});
