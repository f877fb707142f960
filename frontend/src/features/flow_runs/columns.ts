/** Timelines as the server sends them: columns of one length, read into bars and cells. */
import { parseDuration } from "@/lib/time";
import type { TimelineBar, TimelineCell } from "@/ui/timeline/layout";

const OTHER_TASKS = "other tasks";

function columnsOf(value: unknown): Readonly<Record<string, readonly unknown[]>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1])));
}

/** Microseconds since 1970 as milliseconds. */
function timeOf(value: unknown): number {
  return Number(value) / 1000;
}

export function barsOf(value: unknown): TimelineBar[] {
  const columns = columnsOf(value);
  return (columns["id"] ?? []).map((id, index) => {
    const of = (name: string): unknown => columns[name]?.[index];
    const ended = of("ended");
    return {
      id: String(id),
      name: String(of("name")),
      lane: String(of("taskKey")),
      begun: timeOf(of("begun")),
      ended: ended === null || ended === undefined ? undefined : timeOf(ended),
      state: String(of("state")),
      stateName: String(of("stateName")),
    };
  });
}

export interface Counted {
  from: string;
  slot: string;
  counts?: unknown;
}

export function cellsOf({ from, slot, counts }: Counted): TimelineCell[] {
  const columns = columnsOf(counts);
  const [begin, length] = [Date.parse(from), parseDuration(slot)];
  return (columns["slot"] ?? []).flatMap((place, index) => {
    const count = Number(columns["begun"]?.[index]);
    if (!(count > 0)) return [];
    const at = begin + Number(place) * length;
    const lane = columns["taskKey"]?.[index];
    return [{ lane: lane === null || lane === undefined ? OTHER_TASKS : String(lane), from: at, to: at + length, state: String(columns["state"]?.[index]), count }];
  });
}
