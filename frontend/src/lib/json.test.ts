import { expect, test } from "vitest";
import { isRounded, readJson } from "@/lib/json";

test.each(["-9007199254740993", '{"a": [1, 90071992547409931]}', '["\\"", 12345678901234567890]'])("%s is refused: it would be another number", (text) => {
  expect(readJson(text).problem).toMatch(/^A browser cannot keep -?\d+ exact/);
});

test.each(["9007199254740991", "9007199254740992", "1e300", "0.1234567890123456789", '"9007199254740993"', '{"9007199254740993": "say \\" 9007199254740993"}'])("%s is read as it is", (text) => {
  expect(readJson(text)).toEqual({ value: JSON.parse(text) });
});

test("what is no JSON is said to be none", () => {
  expect(readJson("{a: 1}").problem).toMatch(/^This is not JSON/);
});

test("a value that came with a whole number beyond 2^53 may not be what the server has", () => {
  expect(isRounded({ a: [1, { b: 2 ** 53 }] })).toBe(true);
  expect(isRounded({ a: [1, { b: 2 ** 53 - 1 }, 0.5, null, "9007199254740993"] })).toBe(false);
});
