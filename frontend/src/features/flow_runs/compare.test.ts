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

test("the same calls are beside each other, whatever they are named, and none is left out", () => {
  const task = (name: string, taskKey: string) => ({ name, taskKey, state: { type: "COMPLETED", name: "Completed" } });

  const found = pairs([task("load-x", "load"), task("load-y", "load")], [task("load-z", "load"), task("send-a", "send")]);

  expect(found.map(({ name, one, other }) => [name, one?.name, other?.name])).toEqual([
    ["load 1", "load-x", "load-z"], ["load 2", "load-y", undefined], ["send 1", undefined, "send-a"],
  ]);
});
