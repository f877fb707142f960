/** What the pages of runs ask the server for: begun with the address, before their code is there. */
import { RunDocument, RunHistogramDocument, type RunHistogramQueryVariables, RunListDocument, type RunListQueryVariables, RunTimelineDocument } from "@/generated/graphql";
import { filterOf, listFilterOf, type RunPageSearch, type RunSearch } from "@/features/flow_runs/search";
import { readAhead } from "@/lib/ahead";
import type { Place } from "@/lib/place";
import { isoDuration } from "@/lib/time";
import { thisMinute } from "@/ui/clock";
import { dayAround, HOUR } from "@/ui/rail";

/** A timeline of more task runs than these is counts of them. */
export const MOST_BARS = 1_000;

export const ORDERS = ["EXPECTED_START", "ENDED_AT", "NAME"] as const;

export function listAsked({ organization, workspace }: Place, search: RunSearch, now: number): Omit<RunListQueryVariables, "after"> {
  const order = { field: search.by ?? "EXPECTED_START", direction: search.up ? "ASC" : "DESC" } as const;
  return { organization, workspace, filter: listFilterOf(search, now), orderBy: order };
}

/** Of the whole rail, whatever piece of it is brushed. */
export function histogramAsked({ organization, workspace }: Place, { from: _from, to: _to, ...search }: RunSearch, now: number): RunHistogramQueryVariables {
  const { from, to } = dayAround(now);
  return { organization, workspace, from: new Date(from).toISOString(), to: new Date(to).toISOString(), bucket: isoDuration(HOUR), filter: filterOf(search, now) };
}

export function readRunsAhead(place: Place, search: RunSearch): void {
  const now = thisMinute();
  readAhead(RunListDocument, listAsked(place, search, now));
  readAhead(RunHistogramDocument, histogramAsked(place, search, now));
}

export function readRunAhead(id: string, { tab }: RunPageSearch): void {
  readAhead(RunDocument, { id });
  if (tab === undefined || tab === "timeline") readAhead(RunTimelineDocument, { id, most: MOST_BARS });
}
