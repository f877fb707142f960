/** Keys that lead to pages, and to the sheet that lists all keys. */
import { useNavigate } from "@tanstack/react-router";
import { Suspense, useEffect, useRef, useState } from "react";
import { NAVIGATION } from "@/app/navigation";
import { lazyPart } from "@/lib/code";
import { useIdle } from "@/lib/idle";
import type { Place } from "@/lib/place";
import { isTyping, useKey } from "@/ui/keys";

const SECOND_KEY_MS = 1500;
const load = async () => (await import("@/app/ShortcutSheet")).ShortcutSheet;
const ShortcutSheet = lazyPart(load);
const ahead = (): unknown => load().catch(() => undefined);

export function Shortcuts({ place }: { place: Place }) {
  const [isOpen, setOpen] = useState(false);
  const navigate = useNavigate();
  const begunAt = useRef(0);
  useIdle(ahead);
  useKey("?", () => setOpen(true));
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isTyping(event) || event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.key === "g") {
        begunAt.current = event.timeStamp;
        return;
      }
      const isSecond = event.timeStamp - begunAt.current < SECOND_KEY_MS && begunAt.current > 0;
      begunAt.current = 0;
      const found = NAVIGATION.flatMap((group) => group.destinations).find(({ key }) => key === event.key);
      if (!isSecond || !found) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      void navigate({ to: `/${place.organization}/${place.workspace}${found.path}` });
    };
    document.addEventListener("keydown", onKey, { capture: true });
    return () => document.removeEventListener("keydown", onKey, { capture: true });
  }, [navigate, place.organization, place.workspace]);
  if (!isOpen) return null;
  return (
    <Suspense>
      <ShortcutSheet onClose={() => setOpen(false)} />
    </Suspense>
  );
}
