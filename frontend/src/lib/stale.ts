/** Lists that show what they held before, because they could not be read again. */
import type { CombinedError } from "urql";

export interface Stale {
  error: CombinedError;
  again: () => void;
}

const lists = new Map<symbol, Stale>();
const watchers = new Set<() => void>();
let first: Stale | undefined;

function tell(): void {
  const [next] = lists.values();
  if (next === first) return;
  first = next;
  for (const watcher of watchers) watcher();
}

/** Takes note of one; returns what takes it back, once it is read or nobody looks at it any more. */
export function noteStale(list: Stale): () => void {
  const mark = Symbol("list");
  lists.set(mark, list);
  tell();
  return () => {
    lists.delete(mark);
    tell();
  };
}

/** The first of those that are shown; undefined where all are as the server has them. */
export function staleNow(): Stale | undefined {
  return first;
}

/** Call back when that changes; returns what stops it. */
export function watchStale(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
