/** Rows that stay where they are while somebody points at them, or goes through them by keys. */
import { useLayoutEffect, useRef } from "react";

export interface Held<Row> {
  rows: readonly Row[];
  /** How many new rows are held back. */
  waiting: number;
}

/**
 * The rows of ``shown`` in their order, each as it is in ``fresh``, and after them what came behind the last of them. New rows
 * before it are held back; what is no longer there stays as it was.
 */
export function heldRows<Row>(shown: readonly Row[], fresh: readonly Row[], keyOf: (row: Row) => string): Held<Row> {
  const known = new Set(shown.map(keyOf));
  const byKey = new Map(fresh.map((row) => [keyOf(row), row]));
  const last = fresh.findLastIndex((row) => known.has(keyOf(row)));
  if (last < 0) return { rows: fresh, waiting: 0 };
  const isNew = (row: Row): boolean => !known.has(keyOf(row));
  return { rows: [...shown.map((row) => byKey.get(keyOf(row)) ?? row), ...fresh.slice(last + 1)], waiting: fresh.slice(0, last).filter(isNew).length };
}

/** ``of`` says what the rows are an answer to: those of another question are shown at once. */
export function useHeldRows<Row>(of: string, rows: readonly Row[], keyOf: (row: Row) => string, isHeld: boolean): Held<Row> {
  const before = useRef({ of, rows });
  const held = isHeld && before.current.of === of ? heldRows(before.current.rows, rows, keyOf) : { rows, waiting: 0 };
  const isSame = held.rows.length === before.current.rows.length && held.rows.every((row, index) => row === before.current.rows[index]);
  const shown = isSame ? before.current.rows : held.rows;
  useLayoutEffect(() => {
    before.current = { of, rows: shown };
  }, [of, shown]);
  return { rows: shown, waiting: held.waiting };
}
