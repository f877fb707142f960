/** What the address says of events: their kind, what they happened to, and how far back. */
import { pieceOf, wordsOf } from "@/lib/search";

export const REACHES = ["hour", "day", "week"] as const;
export type Reach = (typeof REACHES)[number];

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
