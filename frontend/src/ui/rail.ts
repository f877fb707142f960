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
