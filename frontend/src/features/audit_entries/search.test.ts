import { expect, test } from "vitest";
import { auditFilterOf, changesOf, isAuditNarrowed, readAuditSearch } from "@/features/audit_entries/search";

test("an address says only what is understood", () => {
  expect(readAuditSearch({ action: "api_key", actor: [3], days: "7", entry: "" })).toEqual({ action: "api_key" });
  expect(readAuditSearch({ days: 7, target: "key_1" })).toEqual({ days: 7, target: "key_1" });
});

test("a filter asks for what the address says, since a whole hour", () => {
  const now = Date.parse("2026-11-28T12:34:56Z");

  expect(auditFilterOf({ action: "api_key", days: 1, entry: "aud_1" }, now)).toEqual({
    action: { startsWith: "api_key" },
    at: { gte: "2026-11-27T12:00:00.000Z" },
  });
});

test("looking at an entry narrows nothing", () => {
  expect(isAuditNarrowed({ entry: "aud_1" })).toBe(false);
  expect(isAuditNarrowed({ actor: "user_1" })).toBe(true);
});

test("a diff is told field by field", () => {
  expect(changesOf({ before: { name: "a" }, after: { name: "b", made: true } })).toEqual([
    { field: "made", before: undefined, after: true },
    { field: "name", before: "a", after: "b" },
  ]);
  expect(changesOf({ before: null, after: { name: "b" } })).toEqual([{ field: "name", before: undefined, after: "b" }]);
  expect(changesOf(null)).toEqual([]);
});
