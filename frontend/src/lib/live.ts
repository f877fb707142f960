/** Reading something again because the server said that it changed, or that it will; never because time passed. */
import { useEffect, useRef } from "react";
import { watchConnection, watchReturns } from "@/lib/graphql";

const GATHER_MS = 250;

/** Returns a function that calls ``act`` once for all calls within a quarter of a second, and not again within ``paceMs``. */
export function useGathered(act: () => void, paceMs = GATHER_MS): () => void {
  const latest = useRef({ act, paceMs });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const lastAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    latest.current = { act, paceMs };
  }, [act, paceMs]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useRef(() => {
    if (timer.current !== undefined) return;
    const rest = lastAt.current + latest.current.paceMs - performance.now();
    timer.current = setTimeout(() => {
      timer.current = undefined;
      lastAt.current = performance.now();
      latest.current.act();
    }, Math.max(GATHER_MS, rest));
  }).current;
}

/** Calls ``act`` when the socket is there again after it was lost. */
export function useReturns(act: () => void): void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  }, [act]);
  useEffect(() => watchReturns(() => latest.current()), []);
}

/** What is due at an instant has happened so much later. */
const DUE_MS = 300;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls ``act`` once an instant that the server named has come; of one beyond three weeks it is not called. */
export function useAt(instant: number | undefined, act: () => void): void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  }, [act]);
  useEffect(() => {
    const rest = instant === undefined ? Number.NaN : instant + DUE_MS - Date.now();
    if (!(rest < LONGEST_TIMER_MS)) return;
    const timer = setTimeout(() => latest.current(), Math.max(0, rest));
    return () => clearTimeout(timer);
  }, [instant]);
}

/** Calls ``act`` each time the socket is lost or refused: it does not say that a session has ended, a question does. */
export function useLosses(act: () => void): void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  }, [act]);
  useEffect(() => watchConnection((connection) => connection === "lost" && latest.current()), []);
}
