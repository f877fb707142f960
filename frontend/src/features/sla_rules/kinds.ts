/** What a rule promises, as a sentence, and lengths as somebody writes them. */
import type { SlaKind } from "@/generated/graphql";

export const KINDS: readonly { value: SlaKind; label: string; says: (within: string) => string }[] = [
  { value: "LATENESS", label: "Starts in time", says: (within) => `starts within ${within} of when it is due` },
  { value: "DURATION", label: "Ends in time", says: (within) => `ends within ${within} of its start` },
  { value: "FREQUENCY", label: "Runs often enough", says: (within) => `starts again within ${within}` },
  { value: "FRESHNESS", label: "Completes often enough", says: (within) => `completes again within ${within}` },
];

export function sentenceOf(kind: SlaKind, within: string): string {
  return KINDS.find(({ value }) => value === kind)?.says(within) ?? within;
}

export const UNITS = [
  { value: "S", label: "seconds" },
  { value: "M", label: "minutes" },
  { value: "H", label: "hours" },
  { value: "D", label: "days" },
] as const;
export type Unit = (typeof UNITS)[number]["value"];

/** ISO 8601 of so many of a unit; undefined where that is no whole number above zero. */
export function lengthOf(amount: string, unit: Unit): string | undefined {
  if (!/^[1-9]\d{0,7}$/.test(amount.trim())) return undefined;
  return unit === "D" ? `P${amount.trim()}D` : `PT${amount.trim()}${unit}`;
}
