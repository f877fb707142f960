/** ⌘K: to any page, flow, deployment, pool or run of the workspace, or to what can be done. */
import { Suspense, useEffect, useState } from "react";
import { lazyPart } from "@/lib/code";
import type { Place } from "@/lib/place";
import { useIdle } from "@/lib/idle";

const load = async () => (await import("@/app/OpenPalette")).OpenPalette;
const OpenPalette = lazyPart(load);

/** Where it does not come now, it may when it is wanted. */
const ahead = (): unknown => load().catch(() => undefined);

export function CommandPalette({ place }: { place: Place }) {
  const [isOpen, setOpen] = useState(false);
  useIdle(ahead);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      setOpen(true);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  if (!isOpen) return null;
  return (
    <Suspense>
      <OpenPalette place={place} onClose={() => setOpen(false)} />
    </Suspense>
  );
}
