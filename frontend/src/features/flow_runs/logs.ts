/** The lines of a log as they come in, kept in order and without doubles over a lost connection. */
import type { LogTailSubscription } from "@/generated/graphql";
import { levelOf } from "@/ui/levels";

export type Batch = LogTailSubscription["logTail"];
export type Line = Batch["lines"][number];

export interface Log {
  lines: readonly Line[];
  /** How many of the first were let go, so that a long log does not fill the memory. */
  dropped: number;
  cursor: string | undefined;
  hasGap: boolean;
  isCaughtUp: boolean;
  hasEnded: boolean;
}

/** So many lines are kept; beyond it the first tenth is let go. */
export const MOST_LINES = 100_000;

export const NO_LOG: Log = { lines: [], dropped: 0, cursor: undefined, hasGap: false, isCaughtUp: false, hasEnded: false };

/** A log with one more batch. Lines that it has already are not taken again. */
export function extend(log: Log, batch: Batch): Log {
  const last = log.lines.at(-1)?.sequence ?? -1;
  const fresh = batch.lines.filter((line) => line.sequence > last);
  const lines = fresh.length > 0 ? [...log.lines, ...fresh] : log.lines;
  const excess = lines.length > MOST_LINES ? lines.length - MOST_LINES * 0.9 : 0;
  return {
    lines: excess > 0 ? lines.slice(excess) : lines,
    dropped: log.dropped + excess,
    cursor: batch.cursor,
    hasGap: log.hasGap || batch.gap,
    isCaughtUp: log.isCaughtUp || batch.caughtUp,
    hasEnded: batch.ended,
  };
}

export const LEVEL_CHOICES = [
  { from: 0, label: "All levels" },
  { from: 20, label: "Info and above" },
  { from: 30, label: "Warnings and above" },
  { from: 40, label: "Errors" },
] as const;

export interface LogRow {
  key: string;
  at: string;
  level: { name: string; short: string };
  message: string;
}

/** A row for each line of text: the further lines of a traceback have no time and level again. */
export function rowsOf(line: Line, at: string): LogRow[] {
  const level = levelOf(line.level);
  return line.message.split(/\r?\n/).map((message, part) => ({
    key: `${line.sequence}.${part}`,
    at: part === 0 ? at : "",
    level: part === 0 ? level : { ...level, short: "" },
    message,
  }));
}
