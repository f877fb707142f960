import { expect, test } from "vitest";
import { differences, pairs } from "@/features/flow_runs/compare";

test("differences are told by the names that lead to them", () => {
  expect(differences({ a: 1, b: { c: [1], d: 2 }, e: null }, { a: 1, b: { c: [2], d: 2 }, f: 3 })).toEqual([
    { name: "b.c", one: [1], other: [2] },
    { name: "e", one: null, other: undefined },
    { name: "f", one: undefined, other: 3 },
  ]);
  expect(differences({ a: { b: 1 } }, { a: { b: 1 } })).toEqual([]);
});

test("tasks of one name are beside each other, and none is left out", () => {
  const task = (name: string) => ({ name, taskKey: name, state: { type: "COMPLETED", name: "Completed" } });

  const found = pairs([task("a"), task("b")], [task("b"), task("c")]);

  expect(found.map(({ name, one, other }) => [name, one?.name, other?.name])).toEqual([["a", "a", undefined], ["b", "b", "b"], ["c", undefined, "c"]]);
});
