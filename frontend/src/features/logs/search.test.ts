import { expect, test } from "vitest";
import { filterOf, filterOfLine, keyOf, lineShown } from "@/features/logs/asked";
import { readLogsSearch } from "@/features/logs/search";

test("an address is a search, and what is not understood is dropped", () => {
  const search = readLogsSearch({ text: "refused", level: 40, reach: "hour", color: "red" });

  expect(search).toEqual({ text: "refused", level: 40, reach: "hour" });
  expect(filterOf(search, Date.parse("2026-11-28T12:00:59Z"))).toEqual({ timestamp: { gte: "2026-11-28T11:00:00.000Z" }, text: "refused", minLevel: 40 });
  expect(filterOf({ ...search, line: "run_1.7" }, Date.parse("2026-11-28T12:00:59Z"))).toEqual(filterOf(search, Date.parse("2026-11-28T12:00:59Z")));
  expect(readLogsSearch({ line: "run_1.7" })).toEqual({ line: "run_1.7" });
  expect(readLogsSearch({ text: [7], level: 41, reach: "year" })).toEqual({});
});

test("of a traceback the line is shown that holds what is sought", () => {
  const message = "Traceback (most recent call last):\n  File \"main.py\", line 4\nValueError: Column 'net_weight' is empty";

  expect(lineShown(message, "NET_weight")).toBe("ValueError: Column 'net_weight' is empty");
  expect(lineShown(message, "")).toBe("Traceback (most recent call last):");
  expect(lineShown(message, "last):\n  File")).toBe("Traceback (most recent call last):");
});

test("a line is found again by what the address says of it, and by nothing else", () => {
  const line = { sequence: 7, timestamp: "2026-11-28T12:00:00.123456Z", level: 20, logger: "flow", message: "x", taskRunId: null };
  const key = keyOf({ cursor: "c", flowRunId: "run_1", line, flowRun: null });

  expect(key).toBe(`run_1.7.${Date.parse("2026-11-28T12:00:00.123Z")}`);
  expect(filterOfLine(key)).toEqual({ flowRunId: "run_1", timestamp: { gte: "2026-11-28T12:00:00.123Z", lt: "2026-11-28T12:00:00.124Z" } });
  for (const other of ["run_1.7", "x", "run_1.7.x", "run_1.7.99999999999999"]) {
    expect(filterOfLine(other)).toBeUndefined();
  }
});
