/** Reading something again because the server said that it changed; never because time passed. */
import { useEffect, useRef } from "react";

const GATHER_MS = 250;

/** Returns a function that calls ``act`` once for all calls within a quarter of a second. */
export function useGathered(act: () => void): () => void {
  const latest = useRef(act);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    latest.current = act;
  }, [act]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useRef(() => {
    if (timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, GATHER_MS);
  }).current;
}
