/** Titles that say where one is and, for a run, how it stands. */
import { useEffect } from "react";

export function useTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.filter(Boolean), "Headgate"].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
