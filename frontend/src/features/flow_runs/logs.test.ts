import { expect, test } from "vitest";
import { type Batch, extend, type Line, NO_LOG, rowsOf } from "@/features/flow_runs/logs";
import { levelOf } from "@/ui/levels";

function line(sequence: number): Line {
  return { sequence, timestamp: "2026-11-28T12:00:00Z", level: 20, logger: "flow", message: `line ${sequence}`, taskRunId: null };
}

function batch(sequences: number[], more: Partial<Batch> = {}): Batch {
  return { cursor: `at-${sequences.at(-1)}`, lines: sequences.map(line), gap: false, caughtUp: false, ended: false, ...more };
}

test("a batch that comes twice after a lost connection is taken once", () => {
  const log = [batch([1, 2]), batch([1, 2, 3]), batch([4], { caughtUp: true })].reduce(extend, NO_LOG);

  expect(log.lines.map((each) => each.sequence)).toEqual([1, 2, 3, 4]);
  expect(log.cursor).toBe("at-4");
  expect(log.isCaughtUp).toBe(true);
});

test("a gap is remembered", () => {
  expect([batch([9], { gap: true }), batch([10])].reduce(extend, NO_LOG).hasGap).toBe(true);
});

test("numbers between two levels belong to the lower", () => {
  expect([5, 20, 29, 30, 45, 99].map((level) => levelOf(level).short)).toEqual(["DEBUG", "INFO", "INFO", "WARN", "ERROR", "CRIT"]);
});

test("a traceback is a row for each of its lines, with the time on the first", () => {
  const rows = rowsOf({ ...line(7), level: 40, message: "it failed\nTraceback\r\n  at line 3" }, "12:00:00");

  expect(rows.map((row) => [row.key, row.at, row.level.short, row.message])).toEqual([
    ["7.0", "12:00:00", "ERROR", "it failed"],
    ["7.1", "", "", "Traceback"],
    ["7.2", "", "", "  at line 3"],
  ]);
});
