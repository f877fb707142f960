/** What can be done with the rows that are chosen. */
import type { ReactNode } from "react";

export function SelectionBar({ count, what, onClear, children }: { count: number; what: string; onClear: () => void; children: ReactNode }) {
  if (count === 0) return null;
  return (
    <div className="selection-bar" role="region" aria-label="What is chosen">
      <strong className="num">{`${count.toLocaleString("en")} ${what}`}</strong>
      {children}
      <button type="button" className="button ml-auto" onClick={onClear}>Choose none</button>
    </div>
  );
}
