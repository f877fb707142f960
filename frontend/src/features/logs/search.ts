/** What the address says of a search in all logs. */
import { pieceOf, wordOf, wordsOf } from "@/lib/search";

export const REACHES = ["hour", "day", "week", "month"] as const;
export type Reach = (typeof REACHES)[number];

const MOST_TEXT = 1000;
export const LEVELS = [0, 20, 30, 40] as const;

export interface LogsSearch {
  text?: string;
  level?: number;
  reach?: Reach;
  /** A piece of time, in milliseconds. */
  from?: number;
  to?: number;
  /** The line that is looked at: its run, its number there and when it was written. */
  line?: string;
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
    ...wordsOf(raw, "line"),
  };
}
