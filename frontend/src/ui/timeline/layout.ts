/** Where the bars of a timeline go: a lane for each task, and in it as many rows as ran at once. */

export interface TimelineBar {
  id: string;
  name: string;
  /** Bars of one lane stand together. */
  lane: string;
  /** Milliseconds. */
  begun: number;
  /** Undefined while it runs. */
  ended: number | undefined;
  state: string;
  stateName: string;
}

/** How many bars of a lane and state began in a stretch of time, where they are too many to be drawn. */
export interface TimelineCell {
  lane: string;
  from: number;
  to: number;
  state: string;
  count: number;
}

export interface Placed {
  bar: TimelineBar;
  row: number;
}

export interface Lane {
  title: string;
  firstRow: number;
  rowCount: number;
  barCount: number;
}

export interface PlacedCell {
  cell: TimelineCell;
  row: number;
  /** Where it begins and ends in its row, from the bottom: 0 to 1 of the fullest stretch. */
  low: number;
  high: number;
}

export interface Layout {
  placed: readonly Placed[];
  cells: readonly PlacedCell[];
  lanes: readonly Lane[];
  rowCount: number;
}

/** Lanes in the order in which they began. A bar takes the first row of its lane that is free by then. */
export function layOut(bars: readonly TimelineBar[], now: number): Layout {
  const byLane = new Map<string, TimelineBar[]>();
  for (const bar of [...bars].sort((one, other) => one.begun - other.begun)) {
    const lane = byLane.get(bar.lane);
    if (lane) lane.push(bar);
    else byLane.set(bar.lane, [bar]);
  }
  const placed: Placed[] = [];
  const lanes: Lane[] = [];
  let rowCount = 0;
  for (const [title, members] of byLane) {
    const freeAt = new FreeRows();
    for (const bar of members) {
      const row = freeAt.take(bar.begun, Math.max(bar.ended ?? now, bar.begun));
      placed.push({ bar, row: rowCount + row });
    }
    lanes.push({ title, firstRow: rowCount, rowCount: freeAt.count, barCount: members.length });
    rowCount += freeAt.count;
  }
  return { placed, cells: [], lanes, rowCount };
}

/** A row for each lane; what began in one stretch is stacked. */
export function layOutCells(cells: readonly TimelineCell[]): Layout {
  const stacks = new Map<string, number>();
  const stackOf = ({ lane, from }: TimelineCell): string => `${from} ${lane}`;
  for (const cell of cells) stacks.set(stackOf(cell), (stacks.get(stackOf(cell)) ?? 0) + cell.count);
  const most = Math.max(1, ...stacks.values());
  const rows = new Map<string, { row: number; count: number }>();
  const filled = new Map<string, number>();
  const placed = cells.map((cell) => {
    const lane = rows.get(cell.lane) ?? { row: rows.size, count: 0 };
    rows.set(cell.lane, { row: lane.row, count: lane.count + cell.count });
    const low = filled.get(stackOf(cell)) ?? 0;
    filled.set(stackOf(cell), low + cell.count);
    return { cell, row: lane.row, low: low / most, high: (low + cell.count) / most };
  });
  const lanes = [...rows].map(([title, { row, count }]) => ({ title, firstRow: row, rowCount: 1, barCount: count }));
  return { placed: [], cells: placed, lanes, rowCount: rows.size };
}

/** When each row is free again. Looks at a few rows only, so that thousands at once stay quick. */
class FreeRows {
  private readonly ends: number[] = [];
  private hint = 0;

  get count(): number {
    return this.ends.length;
  }

  take(begun: number, ended: number): number {
    const tried = Math.min(this.ends.length, 64);
    for (let step = 0; step < tried; step += 1) {
      const row = (this.hint + step) % this.ends.length;
      if ((this.ends[row] ?? 0) <= begun) {
        this.ends[row] = ended;
        this.hint = row;
        return row;
      }
    }
    const first = this.ends.length > tried ? this.ends.findIndex((end) => end <= begun) : -1;
    const row = first >= 0 ? first : this.ends.length;
    this.ends[row] = ended;
    this.hint = 0;
    return row;
  }
}

export interface TimeView {
  from: number;
  to: number;
}

const SHORTEST_VIEW_MS = 10;
const MARGIN = 0.02;

/** All bars, with a little room on both sides. */
export function wholeOf(bars: readonly TimelineBar[], now: number): TimeView {
  if (bars.length === 0) return { from: now - 60_000, to: now };
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const bar of bars) {
    from = Math.min(from, bar.begun);
    to = Math.max(to, bar.ended ?? now);
  }
  const room = Math.max((to - from) * MARGIN, SHORTEST_VIEW_MS);
  return { from: from - room, to: to + room };
}

/** Closer or wider around an instant, never wider than the whole. */
export function zoom(view: TimeView, at: number, factor: number, whole: TimeView): TimeView {
  const length = Math.min(Math.max((view.to - view.from) * factor, SHORTEST_VIEW_MS), whole.to - whole.from);
  const place = (at - view.from) / (view.to - view.from);
  return within({ from: at - length * place, to: at + length * (1 - place) }, whole);
}

/** The same length of time, moved back to where it lies in the whole. */
export function within({ from, to }: TimeView, whole: TimeView): TimeView {
  const length = to - from;
  const begin = Math.min(Math.max(from, whole.from), whole.to - length);
  return { from: begin, to: begin + length };
}
