/** What the page of events asks of the server: the past, and what is to come. */
import type { EventFilter, EventStreamFilter } from "@/generated/graphql";
import type { EventsSearch, Reach } from "@/features/events/search";
import { timeFilter } from "@/lib/search";

const MS: Record<Reach, number> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

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
