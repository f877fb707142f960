/** The lines of a log as they come in, kept in order and without doubles over a lost connection. */
import type { LogPageQuery, LogTailSubscription } from "@/generated/graphql";
import { levelOf } from "@/ui/levels";
import type { LogRow } from "@/ui/LogView";

export type Batch = LogTailSubscription["logTail"];
export type Line = Batch["lines"][number];
export type Page = NonNullable<LogPageQuery["flowRun"]>["logs"];

export interface Log {
  /** A row for each line of text: a traceback is one line of the log, and many rows. */
  rows: readonly LogRow[];
  /** Lines that came. */
  count: number;
  /** The sequence of the last of them. */
  last: number;
  /** How many rows of the first were let go, so that a long log does not fill the memory. */
  dropped: number;
  hasGap: boolean;
  isCaughtUp: boolean;
  /** Where lines before these are read from; undefined where there are none, or no room for them. */
  before?: string | undefined;
}

/** So many rows are kept; beyond it the first tenth is let go. */
export const MOST_ROWS = 100_000;

export const NO_LOG: Log = { rows: [], count: 0, last: -1, dropped: 0, hasGap: false, isCaughtUp: false };

/** A log with some more batches, in one go. Lines that it has already are not taken again. */
export function extend(log: Log, batches: readonly Batch[]): Log {
  const fresh: LogRow[] = [];
  let { count, last, hasGap, isCaughtUp } = log;
  for (const batch of batches) {
    for (const line of batch.lines) {
      if (line.sequence <= last) continue;
      last = line.sequence;
      count += 1;
      fresh.push(...rowsOf(line));
    }
    hasGap ||= batch.gap;
    isCaughtUp ||= batch.caughtUp;
  }
  const rows = fresh.length > 0 ? log.rows.concat(fresh) : log.rows;
  const excess = rows.length > MOST_ROWS ? rows.length - MOST_ROWS * 0.9 : 0;
  const dropped = log.dropped + excess;
  return { rows: excess > 0 ? rows.slice(excess) : rows, count, last, dropped, hasGap, isCaughtUp, before: dropped > 0 ? undefined : log.before };
}

/** A log with a page before what it has; the first page is its end. */
export function extendBackwards(log: Log, { nodes, pageInfo }: Page): Log {
  const rows = [...nodes.flatMap(rowsOf), ...log.rows];
  const hasMore = pageInfo.hasPreviousPage && rows.length < MOST_ROWS * 0.9 && log.dropped === 0;
  return {
    ...log,
    rows,
    count: log.count + nodes.length,
    last: Math.max(log.last, nodes.at(-1)?.sequence ?? -1),
    before: hasMore ? (pageInfo.startCursor ?? undefined) : undefined,
  };
}

export const LEVEL_CHOICES = [
  { from: 0, label: "All levels" },
  { from: 20, label: "Info and above" },
  { from: 30, label: "Warnings and above" },
  { from: 40, label: "Errors" },
] as const;

/** The further rows of a line have no time and level again. */
export function rowsOf(line: Line): LogRow[] {
  const level = levelOf(line.level);
  return line.message.split(/\r?\n/).map((message, part) => ({
    key: `${line.sequence}.${part}`,
    at: part === 0 ? line.timestamp : undefined,
    level: part === 0 ? level : { ...level, short: "" },
    message,
  }));
}
