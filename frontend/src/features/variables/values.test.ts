import { expect, test } from "vitest";
import { kindOf, read, textOf, typeOf } from "@/features/variables/values";

test.each([1.5, true, null, [1, "2"], { a: { b: [] } }, "text", '"quoted"', ""])("%j survives being written and read", (value) => {
  expect(read(kindOf(value), textOf(value))).toEqual({ value });
});

test("what is no JSON is said to be none", () => {
  expect(read("json", "{a: 1}")).toHaveProperty("problem");
  expect(read("text", "{a: 1}")).toEqual({ value: "{a: 1}" });
});

test.each([
  [null, "null"],
  [[], "list"],
  [{}, "object"],
  [false, "yes or no"],
  ["", "text"],
  [3, "number"],
])("%j is a %s", (value, type) => expect(typeOf(value)).toBe(type));

test("a number that a browser rounds is not saved as another one", () => {
  expect(read("json", "[9007199254740993]")).toHaveProperty("problem");
  expect(read("json", textOf(JSON.parse("9007199254740993")))).toHaveProperty("problem");
  expect(read("text", "9007199254740993")).toEqual({ value: "9007199254740993" });
});
