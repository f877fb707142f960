import { expect, test } from "vitest";
import { rowsOf } from "@/ui/artifact_rows";

test.each([
  ["rows as objects", [{ a: 1, b: "x" }, { b: null, c: { d: 1 } }], { columns: ["a", "b", "c"], rows: [["1", "x", ""], ["", "", '{"d":1}']] }],
  ["rows as lists", [[1, 2], [3]], { columns: [], rows: [["1", "2"], ["3"]] }],
  ["columns", { a: [1, 2], b: ["x"] }, { columns: ["a", "b"], rows: [["1", "x"], ["2", ""]] }],
])("%s", (_, data, table) => expect(rowsOf(data)).toEqual(table));

test.each([null, 7, "text", [1, 2], { a: 1 }, {}])("%j is no table", (data) => expect(rowsOf(data)).toBeUndefined());
