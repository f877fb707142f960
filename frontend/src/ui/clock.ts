/** One second hand for the whole page: whatever shows an age reads it, and it rests while unseen. */
import { useState, useSyncExternalStore } from "react";

const TICK_MS = 1000;
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  if (document.hidden) return;
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = Date.now();
    timer = setInterval(tick, TICK_MS);
    document.addEventListener("visibilitychange", tick);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    document.removeEventListener("visibilitychange", tick);
  };
}

export const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The time in milliseconds, new after each so many of them: what shows hours need not be drawn each second. */
export function useNow(everyMs: number = TICK_MS): number {
  return useSyncExternalStore(subscribe, () => Math.floor(now / everyMs) * everyMs);
}

/** Whole minutes, so that what is asked for within one of them is the same. */
export function thisMinute(): number {
  return Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
}

/** The minute in which this is first shown, and then each hour as it begins: what a page asks for of the last day goes on with it. */
export function useHours(): number {
  const [opened] = useState(thisMinute);
  return Math.max(opened, useNow(HOUR_MS));
}
