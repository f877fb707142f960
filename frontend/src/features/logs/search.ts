/** What the address says of a search in all logs. */
import type { LogSearchFilter } from "@/generated/graphql";
import { pieceOf, timeFilter, wordOf } from "@/lib/search";

export const REACHES = ["hour", "day", "week", "month"] as const;
export type Reach = (typeof REACHES)[number];

const MOST_TEXT = 1000;
const HOUR = 3_600_000;
const MS: Record<Reach, number> = { hour: HOUR, day: 24 * HOUR, week: 168 * HOUR, month: 720 * HOUR };
export const LEVELS = [0, 20, 30, 40] as const;

export interface LogsSearch {
  text?: string;
  level?: number;
  reach?: Reach;
  /** A piece of time, in milliseconds. */
  from?: number;
  to?: number;
}

export function readLogsSearch(raw: Record<string, unknown>): LogsSearch {
  const text = wordOf(raw, "text", MOST_TEXT);
  const level = LEVELS.find((each) => each !== 0 && each === raw["level"]);
  const reach = REACHES.find((each) => each === raw["reach"]);
  return {
    ...(text === undefined ? {} : { text }),
    ...(level ? { level } : {}),
    ...(reach ? { reach } : {}),
    ...pieceOf(raw),
  };
}

/** From a whole minute on, so that the same question stays the same. */
export function filterOf({ text, level, reach = "day", ...piece }: LogsSearch, now: number): LogSearchFilter {
  const since = Math.floor((now - MS[reach]) / 60_000) * 60_000;
  return {
    timestamp: timeFilter(piece) ?? { gte: new Date(since).toISOString() },
    ...(text ? { text } : {}),
    ...(level ? { minLevel: level } : {}),
  };
}

/** Of a message of several lines the one that holds what is sought; the first where nothing is. */
export function lineShown(message: string, text: string): string {
  const lines = message.split("\n");
  const sought = text.toLowerCase();
  return lines.find((line) => line.toLowerCase().includes(sought)) ?? lines[0] ?? "";
}
