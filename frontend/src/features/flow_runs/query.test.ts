import { expect, test } from "vitest";
import { queryFilter, termsOf, without } from "@/features/flow_runs/query";

test.each([
  ["", []],
  ["otter", [{ name: { contains: "otter" } }]],
  ['flow:orders "two words"', [{ flow: { name: { contains: "orders" } } }, { name: { contains: "two words" } }]],
  ['flow:"two words"', [{ flow: { name: { contains: "two words" } } }]],
  ["-tag:test", [{ not: { tags: { all: ["test"] } } }]],
  ["state:Failed", [{ state: { type: ["FAILED"] } }]],
  ["state:late", [{ state: { name: ["Late"] } }]],
  ["state:failed state:crashed tag:eu", [{ tags: { all: ["eu"] } }, { or: [{ state: { type: ["FAILED"] } }, { state: { type: ["CRASHED"] } }] }]],
  ["colour:red", []],
  ["flow:", []],
])("%j", (text, filters) => expect(queryFilter(text)).toEqual(filters));

test("what is not understood is told apart", () => {
  expect(termsOf("colour:red otter").map(({ text, filter }) => [text, filter !== undefined])).toEqual([["colour:red", false], ["otter", true]]);
});

test("a term is taken out, and the others stay as they were written", () => {
  const text = 'flow:orders -tag:test "two words"';
  const [, tag] = termsOf(text);

  expect(tag && without(text, tag)).toBe('flow:orders "two words"');
});
