/** What the address says of events: their kind, what they happened to, and how far back. */
import type { EventFilter, EventStreamFilter } from "@/generated/graphql";
import { pieceOf, timeFilter, wordsOf } from "@/lib/search";

export const REACHES = ["hour", "day", "week"] as const;
export type Reach = (typeof REACHES)[number];

const MS: Record<Reach, number> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

export interface EventsSearch {
  /** "flow_run.completed", or how it begins: "flow_run." */
  kind?: string;
  resource?: string;
  reach?: Reach;
  /** A piece of time, in milliseconds; what happens now is then not followed. */
  from?: number;
  to?: number;
}

export function readEventsSearch(raw: Record<string, unknown>): EventsSearch {
  const reach = REACHES.find((each) => each === raw["reach"]);
  return { ...wordsOf(raw, "kind", "resource"), ...(reach ? { reach } : {}), ...pieceOf(raw) };
}

/** The past, from how far back as a whole minute, so that the same question stays the same. */
export function pastOf({ kind, resource, reach = "day", ...piece }: EventsSearch, now: number): EventFilter {
  const since = Math.floor((now - MS[reach]) / 60_000) * 60_000;
  return {
    occurred: timeFilter(piece) ?? { gte: new Date(since).toISOString() },
    order: "DESC",
    ...(kind ? { event: { startsWith: kind } } : {}),
    ...(resource ? { resourceId: { eq: resource } } : {}),
  };
}

/** What is to come. */
export function streamOf({ kind, resource }: EventsSearch): EventStreamFilter {
  return { ...(kind ? { events: [`${kind}*`] } : {}), ...(resource ? { resourceIds: [resource] } : {}) };
}
