import { expect, test } from "vitest";
import { moved, priorities } from "@/features/work_pools/order";

const queue = (id: string, priority: number) => ({ id, priority });
const QUEUES = [queue("a", 1), queue("b", 5), queue("c", 10), queue("d", 10)];

function served(order: readonly { id: string; priority: number }[]): string[] {
  const changed = new Map(priorities(order).map(({ queue: { id }, priority }) => [id, priority]));
  const after = order.map(({ id, priority }) => ({ id, priority: changed.get(id) ?? priority }));
  return after.toSorted((one, other) => one.priority - other.priority).map(({ id }) => id);
}

test.each([
  ["a", 3],
  ["d", 0],
  ["c", 1],
  ["b", 2],
])("moving %s to place %d serves the queues so", (id, to) => {
  const order = moved(QUEUES, id, to);

  expect(order[to]?.id).toBe(id);
  expect(served(order)).toEqual(order.map((each) => each.id));
});

test("an order that is right already changes nothing", () => {
  expect(priorities([queue("a", 1), queue("b", 5), queue("c", 10)])).toEqual([]);
});

test("no two have the same priority afterwards", () => {
  const order = moved(QUEUES, "d", 2);
  const changed = new Map(priorities(order).map((each) => [each.queue.id, each.priority]));

  const after = order.map(({ id, priority }) => changed.get(id) ?? priority);
  expect(new Set(after).size).toBe(after.length);
});
