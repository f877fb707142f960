/** ⌘K: to any page, flow, deployment, pool or run of the workspace, or to what can be done. */
import { lazy, Suspense, useEffect, useState } from "react";
import type { Place } from "@/lib/place";
import { useIdle } from "@/lib/idle";

const load = async () => ({ default: (await import("@/app/OpenPalette")).OpenPalette });
const OpenPalette = lazy(load);

export function CommandPalette({ place }: { place: Place }) {
  const [isOpen, setOpen] = useState(false);
  useIdle(load);
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
