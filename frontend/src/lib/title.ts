/** Titles that say where one is and, for a run, how it stands. */
import { useEffect } from "react";

/** A name may be as long as a page; a tab shows its beginning. */
const MOST_OF_A_PART = 120;

export function useTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.flatMap((part) => (part ? [part.slice(0, MOST_OF_A_PART)] : [])), "Headgate"].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
