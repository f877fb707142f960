import { expect, test } from "vitest";
import { readFailuresSearch } from "@/features/failure_groups/search";

test("an address says which failures, and words to find them by", () => {
  expect(readFailuresSearch({ status: ["MUTED", "OPEN", "NONE"], text: "no column" })).toEqual({ status: ["OPEN", "MUTED"], text: "no column" });
  expect(readFailuresSearch({ status: "OPEN" })).toEqual({ status: ["OPEN"] });
});

test("what says nothing is not in the address, and no text is longer than the server takes", () => {
  expect(readFailuresSearch({ status: [], text: "" })).toEqual({});
  expect(readFailuresSearch({ text: 7 })).toEqual({});
  expect(readFailuresSearch({ text: "x".repeat(300) }).text).toHaveLength(200);
});
