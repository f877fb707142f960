/** Which columns of a table are shown and how wide, kept in this browser under the table's name. */
import { useCallback, useState } from "react";

export interface ColumnChoice {
  widths: Readonly<Record<string, number>>;
  /** Columns whose being shown was changed from how the table begins. */
  shown: Readonly<Record<string, boolean>>;
}

export const LEAST_WIDTH_PX = 48;
const NONE: ColumnChoice = { widths: {}, shown: {} };

function isRecordOf(value: unknown, type: "number" | "boolean"): boolean {
  return typeof value === "object" && value !== null && Object.values(value).every((each) => typeof each === type);
}

/** What was kept, or nothing where it is not understood. */
export function parseChoice(text: string | null): ColumnChoice {
  if (text === null) return NONE;
  try {
    const kept: unknown = JSON.parse(text);
    if (typeof kept !== "object" || kept === null || !("widths" in kept) || !("shown" in kept)) return NONE;
    if (!isRecordOf(kept.widths, "number") || !isRecordOf(kept.shown, "boolean")) return NONE;
    return kept as ColumnChoice;
  } catch (error) {
    if (error instanceof SyntaxError) return NONE;
    throw error;
  }
}

export function useColumnChoice(name: string): [ColumnChoice, (choice: ColumnChoice) => void] {
  const key = `headgate.columns.${name}`;
  const [choice, setChoice] = useState(() => parseChoice(window.localStorage.getItem(key)));
  const choose = useCallback(
    (next: ColumnChoice) => {
      window.localStorage.setItem(key, JSON.stringify(next));
      setChoice(next);
    },
    [key],
  );
  return [choice, choose];
}
