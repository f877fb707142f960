/** What the address says of background tasks: in which states, and which one is looked at. */
import type { BackgroundTaskFilter, StateType } from "@/generated/graphql";
import { wordsOf } from "@/lib/search";

/** The states of a call, several together where nobody tells them apart. */
export const STANDINGS = {
  waiting: { label: "Waiting", states: ["SCHEDULED", "PENDING"] },
  running: { label: "Running", states: ["RUNNING"] },
  completed: { label: "Completed", states: ["COMPLETED"] },
  failed: { label: "Failed", states: ["FAILED", "CRASHED"] },
  cancelled: { label: "Cancelled", states: ["CANCELLED"] },
} as const satisfies Record<string, { label: string; states: readonly StateType[] }>;
export type Standing = keyof typeof STANDINGS;

const ALL = Object.keys(STANDINGS) as Standing[];

export interface BackgroundTasksSearch {
  standing?: Standing[];
  task?: string;
}

export function readBackgroundTasksSearch(raw: Record<string, unknown>): BackgroundTasksSearch {
  const given: unknown = raw["standing"];
  const said: unknown[] = Array.isArray(given) ? given : [given];
  const standing = ALL.filter((each) => said.includes(each));
  return { ...(standing.length > 0 ? { standing } : {}), ...wordsOf(raw, "task") };
}

export function filterOf(standing: readonly Standing[] | undefined): BackgroundTaskFilter {
  return standing === undefined ? {} : { states: standing.flatMap((each) => STANDINGS[each].states) };
}
