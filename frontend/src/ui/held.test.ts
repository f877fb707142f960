import { expect, test } from "vitest";
import { heldRows } from "@/ui/held";

const row = (id: string, state = "old") => ({ id, state });
const held = (shown: string[], fresh: string[]) => {
  const { rows, waiting } = heldRows(shown.map((id) => row(id)), fresh.map((id) => row(id, "new")), ({ id }) => id);
  return { rows: rows.map(({ id, state }) => `${id} ${state}`), waiting };
};

test.each([
  ["new rows wait", ["b", "c"], ["a2", "a1", "b", "c"], { rows: ["b new", "c new"], waiting: 2 }],
  ["rows of a further page follow", ["a", "b"], ["a", "b", "c"], { rows: ["a new", "b new", "c new"], waiting: 0 }],
  ["what has gone stays", ["a", "b", "c"], ["a", "c"], { rows: ["a new", "b old", "c new"], waiting: 0 }],
  ["none moves", ["a", "b", "c"], ["c", "a", "b"], { rows: ["a new", "b new", "c new"], waiting: 0 }],
  ["a new one between others waits", ["a", "c"], ["a", "b", "c"], { rows: ["a new", "c new"], waiting: 1 }],
  ["other rows are shown", ["a"], ["x", "y"], { rows: ["x new", "y new"], waiting: 0 }],
])("%s", (_, shown, fresh, expected) => expect(held(shown, fresh)).toEqual(expected));
