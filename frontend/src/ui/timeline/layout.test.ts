import { expect, test } from "vitest";
import { layOut, layOutCells, type TimelineBar, wholeOf, within, zoom } from "@/ui/timeline/layout";

function bar(id: string, lane: string, begun: number, ended?: number): TimelineBar {
  return { id, name: id, lane, begun, ended, state: "COMPLETED", stateName: "Completed" };
}

test("bars of a lane share a row unless they ran at once", () => {
  const layout = layOut([bar("b", "load", 10, 20), bar("a", "load", 0, 10), bar("c", "load", 15, 30), bar("d", "send", 5, 6)], 100);

  expect(layout.placed.map(({ bar: { id }, row }) => [id, row])).toEqual([["a", 0], ["b", 0], ["c", 1], ["d", 2]]);
  expect(layout.lanes).toEqual([
    { title: "load", firstRow: 0, rowCount: 2, barCount: 3 },
    { title: "send", firstRow: 2, rowCount: 1, barCount: 1 },
  ]);
});

test("what runs holds its row until now", () => {
  const layout = layOut([bar("a", "load", 0), bar("b", "load", 50, 60)], 100);

  expect(layout.rowCount).toBe(2);
});

test("10,000 bars, 500 at once, are laid out without an overlap", () => {
  const bars = Array.from({ length: 10_000 }, (_, index) => bar(`t${index}`, "load", index, index + 500));

  const { placed, rowCount } = layOut(bars, 0);

  const ends = new Map<number, number>();
  for (const { bar: each, row } of placed) {
    expect(ends.get(row) ?? 0).toBeLessThanOrEqual(each.begun);
    ends.set(row, each.ended ?? 0);
  }
  expect(rowCount).toBe(500);
});

test("a view is zoomed around an instant, and stays in the whole", () => {
  const whole = { from: 0, to: 1000 };

  expect(zoom(whole, 250, 0.5, whole)).toEqual({ from: 125, to: 625 });
  expect(zoom({ from: 0, to: 100 }, 0, 100, whole)).toEqual(whole);
  expect(within({ from: 950, to: 1050 }, whole)).toEqual({ from: 900, to: 1000 });
});

test("the whole holds every bar", () => {
  const whole = wholeOf([bar("a", "load", 100, 200), bar("b", "load", 150)], 300);

  expect(whole.from).toBeLessThan(100);
  expect(whole.to).toBeGreaterThan(300);
});

test("cells of one stretch are stacked, and measured by the fullest", () => {
  const cell = (lane: string, from: number, state: string, count: number) => ({ lane, from, to: from + 10, state, count });

  const { cells, lanes } = layOutCells([cell("load", 0, "COMPLETED", 6), cell("load", 0, "FAILED", 2), cell("send", 10, "COMPLETED", 4)]);

  expect(cells.map(({ row, low, high }) => [row, low, high])).toEqual([[0, 0, 0.75], [0, 0.75, 1], [1, 0, 0.5]]);
  expect(lanes.map(({ title, barCount }) => [title, barCount])).toEqual([["load", 8], ["send", 4]]);
});
