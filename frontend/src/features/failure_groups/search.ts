/** What the address says of failures: which of them. */
import type { FailureGroupStatus } from "@/generated/graphql";

export const STATUSES = ["OPEN", "REGRESSED", "MUTED", "RESOLVED"] as const satisfies readonly FailureGroupStatus[];

export interface FailuresSearch {
  status?: FailureGroupStatus[];
}

export function readFailuresSearch(raw: Record<string, unknown>): FailuresSearch {
  const given: unknown = raw["status"];
  const said: unknown[] = Array.isArray(given) ? given : [given];
  const status = STATUSES.filter((each) => said.includes(each));
  return status.length > 0 ? { status } : {};
}
