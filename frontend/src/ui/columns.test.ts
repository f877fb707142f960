import { expect, test } from "vitest";
import { parseChoice } from "@/ui/columns";

test("columns that were chosen are read again", () => {
  const choice = { widths: { name: 240 }, shown: { tags: false } };

  expect(parseChoice(JSON.stringify(choice))).toEqual(choice);
});

test.each([null, "", "{", "null", "[]", '{"widths":{"name":"wide"},"shown":{}}', '{"widths":{}}'])("%j is no choice", (text) =>
  expect(parseChoice(text)).toEqual({ widths: {}, shown: {} }),
);
