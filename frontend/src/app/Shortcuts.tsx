/** Keys that lead to pages, and the sheet that lists all keys. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { NAVIGATION } from "@/app/navigation";
import type { Place } from "@/lib/place";
import { Dialog } from "@/ui/Dialog";
import { isTyping, useKey } from "@/ui/keys";

const SECOND_KEY_MS = 1500;
const KEYS: readonly [string, string][] = [
  ["⌘K  Ctrl K", "Go to, or do"],
  ["/", "Narrow the list"],
  ["j  k", "Next row, row before"],
  ["Enter", "Open the row"],
  ["Space", "Look at the row beside the list"],
  ["x", "Choose the row"],
  ["t", "Timeline or list of a run's tasks"],
  ["l", "Fold the log"],
  ["w", "Wrap its lines"],
  ["e", "To its first error"],
  ["r", "Run, or run again"],
  ["R  C", "Retry a run, cancel it"],
  ["⌘Z", "Take back what was done last"],
  ["Escape", "Close"],
  ["?", "This sheet"],
];

export function Shortcuts({ place }: { place: Place }) {
  const [isOpen, setOpen] = useState(false);
  const navigate = useNavigate();
  const begunAt = useRef(0);
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
  const leading = NAVIGATION.flatMap((group) => group.destinations).flatMap(({ key, title }): [string, string][] => (key ? [[`g ${key}`, title]] : []));
  return (
    <Dialog isOpen={isOpen} onClose={() => setOpen(false)} title="Keys">
      <dl className="facts">
        {[...KEYS, ...leading].map(([keys, does]) => (
          <div key={keys} className="contents">
            <dt><kbd>{keys}</kbd></dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
