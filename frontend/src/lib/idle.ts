/** Doing something once the browser has nothing better to do: reading ahead what will be wanted. */
import { useEffect } from "react";

const SOON_MS = 2_000;

/** Calls ``act`` once after the page has come to rest. */
export function useIdle(act: () => unknown): void {
  useEffect(() => {
    // Safari knows no idle time.
    if (typeof requestIdleCallback === "undefined") {
      const timer = setTimeout(act, SOON_MS);
      return () => clearTimeout(timer);
    }
    const waiting = requestIdleCallback(() => act());
    return () => cancelIdleCallback(waiting);
  }, [act]);
}
