/** What a ribbon of durations is drawn from: pieces without a hole, on a scale that ends at a round length. */
import type { RibbonBucketFragment } from "@/generated/graphql";
import { parseDuration } from "@/lib/time";

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000] as const;
const ROUND = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30].map((each) => each * SECOND),
  ...[1, 2, 5, 10, 20, 30].map((each) => each * MINUTE),
  ...[1, 2, 3, 6, 12].map((each) => each * HOUR),
] as const;
/** So long is looked back, in so long pieces: the server answers 100 at most. */
const [BEHIND, PIECE] = [14 * DAY, 12 * HOUR] as const;

export interface Point {
  index: number;
  p50: number;
  p95: number;
}

/** The fortnight up to now in whole pieces, as what is asked of the server. */
export function fortnightUntil(now: number): { from: string; to: string; bucket: string } {
  const to = Math.ceil(now / PIECE) * PIECE;
  return { from: new Date(to - BEHIND).toISOString(), to: new Date(to).toISOString(), bucket: "PT12H" };
}

/** Points beside each other, apart where no run completed. */
export function stretchesOf(buckets: readonly RibbonBucketFragment[]): Point[][] {
  const stretches: Point[][] = [[]];
  for (const [index, { p50, p95 }] of buckets.entries()) {
    if (p50 && p95) stretches.at(-1)?.push({ index, p50: parseDuration(p50), p95: parseDuration(p95) });
    else stretches.push([]);
  }
  return stretches.filter((each) => each.length > 0);
}

/** The least round length that all of them are within. */
export function ceilingOf(longest: number): number {
  return ROUND.find((each) => each >= longest) ?? Math.ceil(longest / DAY) * DAY;
}
