/** What a search in all logs asks of the server, and what it shows of a line that it found. */
import type { LogSearchFilter } from "@/generated/graphql";
import type { Match } from "@/features/logs/LogsPage";
import type { LogsSearch, Reach } from "@/features/logs/search";
import { timeFilter } from "@/lib/search";

const HOUR = 3_600_000;
const MS: Record<Reach, number> = { hour: HOUR, day: 24 * HOUR, week: 168 * HOUR, month: 720 * HOUR };

/** From a whole minute on, so that the same question stays the same. */
export function filterOf({ text, level, reach = "day", line: _line, ...piece }: LogsSearch, now: number): LogSearchFilter {
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

/** What an address knows a line by: its run, its number there and when it was written, in milliseconds. */
export function keyOf({ flowRunId, line }: Match): string {
  return `${flowRunId}.${line.sequence}.${Date.parse(line.timestamp)}`;
}

/** Finds the line of a key, however many newer ones there are; nothing where it is none. */
export function filterOfLine(key: string): LogSearchFilter | undefined {
  const [, flowRunId, at] = /^(\w+)\.\d+\.(\d{1,13})$/.exec(key) ?? [];
  if (flowRunId === undefined || at === undefined) return undefined;
  return { flowRunId, timestamp: { gte: new Date(Number(at)).toISOString(), lt: new Date(Number(at) + 1).toISOString() } };
}
