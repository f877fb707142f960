/** Says that this machine is offline, and since when: what is shown may be old. */
import { useSyncExternalStore } from "react";
import { localZone, showTime } from "@/lib/time";

let since: Date | undefined = navigator.onLine ? undefined : new Date();

function subscribe(tell: () => void): () => void {
  const onChange = (): void => {
    since = navigator.onLine ? undefined : new Date();
    tell();
  };
  window.addEventListener("online", onChange);
  window.addEventListener("offline", onChange);
  return () => {
    window.removeEventListener("online", onChange);
    window.removeEventListener("offline", onChange);
  };
}

export function OfflineNotice() {
  const at = useSyncExternalStore(subscribe, () => since);
  if (!at) return null;
  return <p className="notice m-0" role="status">You are offline since {showTime(at, at, localZone())}: what is shown may be old.</p>;
}
