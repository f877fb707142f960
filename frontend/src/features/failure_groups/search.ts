/** What the address says of failures: which of them, and words to find them by. */
import type { FailureGroupStatus } from "@/generated/graphql";

export const STATUSES = ["OPEN", "REGRESSED", "MUTED", "RESOLVED"] as const satisfies readonly FailureGroupStatus[];

/** As many characters as the server takes. */
const LONGEST = 200;

export interface FailuresSearch {
  status?: FailureGroupStatus[];
  /** Words, each of which its type, message or frames hold. */
  text?: string;
}

export function readFailuresSearch(raw: Record<string, unknown>): FailuresSearch {
  const given: unknown = raw["status"];
  const said: unknown[] = Array.isArray(given) ? given : [given];
  const status = STATUSES.filter((each) => said.includes(each));
  const { text } = raw;
  return { ...(status.length > 0 ? { status } : {}), ...(typeof text === "string" && text !== "" ? { text: text.slice(0, LONGEST) } : {}) };
}
