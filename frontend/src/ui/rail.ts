/** Where the time rail's ticks fall, and what it asks the server for. */

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
const BEHIND_HOURS = 24;
const AHEAD_HOURS = 2;
const STEPS = [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR];
const MOST_TICKS = 10;

export interface Window {
  from: number;
  to: number;
}

/** A piece of time, as an address says it: milliseconds, both or neither. */
export interface Piece {
  from?: number;
  to?: number;
}

/** The day up to now and the next two hours, in whole hours. */
export function dayAround(now: number): Window {
  const hour = Math.floor(now / HOUR) * HOUR;
  return { from: hour - (BEHIND_HOURS - 1) * HOUR, to: hour + (AHEAD_HOURS + 1) * HOUR };
}

/** Round instants within a window, at most ten, on the clock of the browser's zone. */
export function ticksOf({ from, to }: Window, offsetMinutes: number): number[] {
  const step = STEPS.find((each) => (to - from) / each <= MOST_TICKS) ?? (to - from) / MOST_TICKS;
  const shift = offsetMinutes * MINUTE;
  const ticks: number[] = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at < to; at += step) ticks.push(at);
  return ticks;
}

/** The piece of a window between two places of the rail, each from 0 to 1 in either order. */
export function pieceOf({ from, to }: Window, one: number, other: number): Window {
  const at = (place: number): number => from + Math.min(1, Math.max(0, place)) * (to - from);
  return { from: at(Math.min(one, other)), to: at(Math.max(one, other)) };
}

/** What keys move on a rail: a piece of whole slots, from 0; ``to`` is beyond its last. */
export interface Slots {
  from: number;
  to: number;
}

/**
 * Where a key leads: arrows to the next slot, with Shift to a longer or shorter piece, Home and End to the ends; undefined
 * for keys that lead nowhere. Without a piece they begin at ``start``.
 */
export function movedBy(key: string, hasShift: boolean, slots: Slots | undefined, { count, start }: { count: number; start: number }): Slots | undefined {
  if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(key) || count === 0) return undefined;
  const step = key === "ArrowRight" ? 1 : -1;
  const within = (slot: number): number => Math.min(count - 1, Math.max(0, slot));
  if (!slots) return { from: within(start), to: within(start) + 1 };
  if (key === "Home") return hasShift ? { from: 0, to: slots.to } : { from: 0, to: 1 };
  if (key === "End") return hasShift ? { from: slots.from, to: count } : { from: count - 1, to: count };
  if (hasShift) return { from: slots.from, to: Math.min(count, Math.max(slots.from + 1, slots.to + step)) };
  const from = within((step > 0 ? slots.to - 1 : slots.from) + step);
  return { from, to: from + 1 };
}
