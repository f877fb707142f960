import { expect, test } from "vitest";
import { quotaName, shareOf, showAmount, showBytes } from "@/features/quotas/amounts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1 kB"],
  [999_600, "1 MB"],
  [1_440_000_000, "1.4 GB"],
  [123_456_789_000_000, "123 TB"],
])("%d bytes are %s", (bytes, text) => expect(showBytes(bytes)).toBe(text));

test("an amount is said in its own unit", () => {
  expect(showAmount("LOG_BYTES_PER_DAY", 2_500_000)).toBe("2.5 MB");
  expect(showAmount("RUNS_PER_DAY", 12_000)).toBe("12,000");
  expect(quotaName("RUNS_AT_ONCE")).toBe("Runs at once");
});

test("without a limit nothing is full", () => {
  expect(shareOf(5, null)).toBeUndefined();
  expect(shareOf(5, 0)).toBe(1);
  expect(shareOf(30, 20)).toBe(1.5);
});
