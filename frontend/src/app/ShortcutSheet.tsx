/** The sheet that lists all keys. */
import { NAVIGATION } from "@/app/navigation";
import { Dialog } from "@/ui/Dialog";

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

export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const leading = NAVIGATION.flatMap((group) => group.destinations).flatMap(({ key, title }): [string, string][] => (key ? [[`g ${key}`, title]] : []));
  return (
    <Dialog isOpen onClose={onClose} title="Keys">
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
