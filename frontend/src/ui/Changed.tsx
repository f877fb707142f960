/** Says that somebody changed what one edits, and lets choose: theirs, or what is written here. */
import type { Edited } from "@/lib/edited";

export interface ChangedProps {
  edited: Edited;
  /** Show what is there now, and drop what is written here; without it, closing the form does. */
  onTake?: () => void;
}

export function Changed({ edited, onTake }: ChangedProps) {
  if (!edited.isBehind) return null;
  return (
    <p className="notice is-sticky m-0 flex flex-wrap items-center gap-2" role="alert">
      <span>Somebody has changed it since you began. {onTake ? "What you wrote is still here." : "What you wrote is still here; close it to see theirs."}</span>
      {onTake && <button type="button" className="button is-small" onClick={onTake}>Show theirs, and drop mine</button>}
      <button type="button" className="button is-small" onClick={edited.keep}>Keep mine: saving replaces theirs</button>
    </p>
  );
}
