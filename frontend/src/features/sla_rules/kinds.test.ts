import { expect, test } from "vitest";
import { lengthOf, sentenceOf } from "@/features/sla_rules/kinds";

test("a length is a whole number of a unit", () => {
  expect([lengthOf("15", "M"), lengthOf(" 2 ", "D"), lengthOf("30", "S")]).toEqual(["PT15M", "P2D", "PT30S"]);
  expect([lengthOf("0", "H"), lengthOf("1.5", "H"), lengthOf("soon", "H"), lengthOf("", "H")]).toEqual([undefined, undefined, undefined, undefined]);
});

test("a rule is a sentence", () => {
  expect(sentenceOf("FRESHNESS", "2h 00m")).toBe("completes again within 2h 00m");
});
