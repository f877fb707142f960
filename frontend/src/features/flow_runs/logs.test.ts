import { expect, test } from "vitest";
import { type Batch, extend, extendBackwards, type Line, MOST_ROWS, NO_LOG, rowsOf } from "@/features/flow_runs/logs";
import { levelOf } from "@/ui/levels";

function line(sequence: number): Line {
  return { sequence, timestamp: "2026-11-28T12:00:00Z", level: 20, logger: "flow", message: `line ${sequence}`, taskRunId: null };
}

function batch(sequences: number[], more: Partial<Batch> = {}): Batch {
  return { cursor: `at-${sequences.at(-1)}`, lines: sequences.map(line), gap: false, caughtUp: false, ended: false, ...more };
}

test("a batch that comes twice after a lost connection is taken once", () => {
  const log = extend(extend(NO_LOG, [batch([1, 2]), batch([1, 2, 3])]), [batch([3, 4], { caughtUp: true })]);

  expect(log.rows.map((each) => each.message)).toEqual(["line 1", "line 2", "line 3", "line 4"]);
  expect([log.count, log.isCaughtUp]).toEqual([4, true]);
});

test("a gap is remembered", () => {
  expect(extend(NO_LOG, [batch([9], { gap: true }), batch([10])]).hasGap).toBe(true);
});

test("of a long log the end is kept, and it is told how much is not", () => {
  let log = NO_LOG;
  for (let from = 0; from < MOST_ROWS * 1.5; from += 1_000) log = extend(log, [batch(Array.from({ length: 1_000 }, (_, index) => from + index))]);

  expect(log.rows.length).toBeLessThanOrEqual(MOST_ROWS);
  expect(log.rows.length + log.dropped).toBe(log.count);
  expect(log.rows.at(-1)?.message).toBe(`line ${MOST_ROWS * 1.5 - 1}`);
});

test("a log begins at its end and grows at both", () => {
  const page = (sequences: number[], startCursor: string | null, hasPreviousPage: boolean) => ({ nodes: sequences.map(line), pageInfo: { hasPreviousPage, startCursor, endCursor: null } });
  const end = extendBackwards(NO_LOG, page([8, 9], "at-8", true));
  const live = extend(end, [batch([9, 10], { caughtUp: true })]);
  const whole = extendBackwards(live, page([6, 7], "at-6", false));

  expect([end.before, live.before, whole.before]).toEqual(["at-8", "at-8", undefined]);
  expect(whole.rows.map((each) => each.message)).toEqual(["line 6", "line 7", "line 8", "line 9", "line 10"]);
  expect([whole.count, whole.last]).toEqual([5, 10]);
});

test("numbers between two levels belong to the lower", () => {
  expect([5, 20, 29, 30, 45, 99].map((level) => levelOf(level).short)).toEqual(["DEBUG", "INFO", "INFO", "WARN", "ERROR", "CRIT"]);
});

test("a traceback is a row for each of its lines, with the time on the first", () => {
  const rows = rowsOf({ ...line(7), level: 40, message: "it failed\nTraceback\r\n  at line 3" });

  expect(rows.map((row) => [row.key, row.at, row.level.short, row.message])).toEqual([
    ["7.0", "2026-11-28T12:00:00Z", "ERROR", "it failed"],
    ["7.1", undefined, "", "Traceback"],
    ["7.2", undefined, "", "  at line 3"],
  ]);
});
