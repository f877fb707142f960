import { expect, test } from "vitest";
import { layers } from "@/ui/graph/layers";

const node = (id: string, ...parents: string[]) => ({ id, parents });

test("each is right of all that it comes from", () => {
  const { spots, layerCount } = layers([node("d", "b", "c"), node("a"), node("b", "a"), node("c", "b", "gone")]);

  expect(["a", "b", "c", "d"].map((id) => spots.get(id)?.layer)).toEqual([0, 1, 2, 3]);
  expect(layerCount).toBe(4);
});

test("lines that need not cross do not", () => {
  const { spots } = layers([node("a"), node("b"), node("x", "b"), node("y", "a")]);

  const isAbove = (one: string, other: string): boolean => (spots.get(one)?.place ?? 0) < (spots.get(other)?.place ?? 0);
  expect(isAbove("a", "b")).toBe(isAbove("y", "x"));
});

test("a chain of 5,000 and a circle are laid out too", () => {
  const chain = Array.from({ length: 5_000 }, (_, index) => (index === 0 ? node("0") : node(String(index), String(index - 1)))).toReversed();

  expect(layers(chain).layerCount).toBe(5_000);
  expect(layers([node("a", "b"), node("b", "a")]).spots.size).toBe(2);
});
