/** Timelines as the server sends them: columns of one length, read into bars and cells. */
import { parseDuration } from "@/lib/time";
import { type TimelineBar, type TimelineCell, type TimeView, within } from "@/ui/timeline/layout";

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

/** So many bars are drawn around one of very many, where they are spread evenly. */
const BARS_AROUND = 400;

/** A piece of a timeline around a task run: short enough for bars to be drawn in place of counts. */
export function pieceAround({ begun, ended }: { begun: string; ended?: string | null | undefined }, whole: TimeView, total: number): TimeView {
  const from = Date.parse(begun);
  const to = ended ? Date.parse(ended) : from;
  const length = Math.min(whole.to - whole.from, (BARS_AROUND / Math.max(total, 1)) * (whole.to - whole.from));
  const middle = from + Math.min(to - from, length / 2) / 2;
  return within({ from: middle - length / 2, to: middle + length / 2 }, whole);
}
