/** What the address says of a list of runs: states, a word of the name, and a piece of time. */
import type { FlowRunFilter } from "@/generated/graphql";
import { queryFilter } from "@/features/flow_runs/query";
import { timeOf, wordsOf } from "@/lib/search";

export const STATE_TYPES = [
  "SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED",
] as const;
const HOUR_MS = 3_600_000;
const MOST_HOURS = 24 * 366;
export type StateName = (typeof STATE_TYPES)[number];

export interface RunSearch {
  state?: StateName[];
  name?: string;
  tag?: string;
  /** Words as the bar takes them: flow:orders -tag:test. */
  q?: string;
  from?: number;
  to?: number;
  /** So many hours back from now, in place of a piece of time. */
  last?: number;
  /** The order, where it is not by expected start, and whether it rises. */
  by?: "ENDED_AT" | "NAME";
  up?: boolean;
  /** The run that is looked at beside the list. */
  peek?: string;
  /** Also runs that are scheduled for later. */
  coming?: boolean;
}

export const RUN_TABS = ["timeline", "graph", "tasks", "states", "parameters", "artifacts", "children", "attempts"] as const;
export type RunTab = (typeof RUN_TABS)[number];

export interface RunPageSearch {
  tab?: RunTab;
  /** The task run that is chosen: its bar, its row, its lines of the log. */
  task?: string;
}

export function readRunPageSearch(raw: Record<string, unknown>): RunPageSearch {
  const tab = RUN_TABS.find((each) => each === raw["tab"]);
  return { ...(tab ? { tab } : {}), ...wordsOf(raw, "task") };
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined ? [] : [value];
}

/** Keep what is understood of an address, and drop the rest of it. */
export function readSearch(raw: Record<string, unknown>): RunSearch {
  const state = STATE_TYPES.filter((type) => listOf(raw["state"]).includes(type));
  const from = timeOf(raw, "from");
  const to = timeOf(raw, "to");
  const by = (["ENDED_AT", "NAME"] as const).find((each) => each === raw["by"]);
  return {
    ...(by ? { by } : {}),
    ...(raw["up"] === true ? { up: true } : {}),
    ...(raw["coming"] === true ? { coming: true } : {}),
    ...(state.length > 0 ? { state } : {}),
    ...wordsOf(raw, "name", "tag", "q", "peek"),
    ...(from !== undefined && to !== undefined && from < to ? { from, to } : lastOf(raw["last"])),
  };
}

function lastOf(value: unknown): { last?: number } {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= MOST_HOURS ? { last: value } : {};
}

/** The server's filter for it, as of a moment. */
export function filterOf(search: RunSearch, now: number): FlowRunFilter {
  const words = search.q === undefined ? [] : queryFilter(search.q);
  const at = (time: number): string => new Date(time).toISOString();
  return {
    ...(search.state ? { state: { type: search.state } } : {}),
    ...(search.name ? { name: { contains: search.name } } : {}),
    ...(search.tag ? { tags: { all: [search.tag] } } : {}),
    ...(words.length > 0 ? { and: words } : {}),
    ...(search.from !== undefined && search.to !== undefined
      ? { expectedStart: { gte: at(search.from), lt: at(search.to) } }
      : search.last && { expectedStart: { gte: at(now - search.last * HOUR_MS) } }),
  };
}

/**
 * What a view is kept as: a piece of time that reaches until now goes on doing so, as so many of the last hours; one that is
 * past stays where it is.
 */
export function keptOf({ peek: _peek, from, to, ...rest }: RunSearch, now: number): RunSearch {
  if (from === undefined || to === undefined) return rest;
  const isPast = to < now || from >= now;
  const hours = Math.ceil((now - from) / HOUR_MS);
  return isPast || hours > MOST_HOURS ? { ...rest, from, to } : { ...rest, last: hours };
}

/** "the last 24 hours" */
export function lastInWords(hours: number): string {
  const days = hours / 24;
  if (hours === 1) return "the last hour";
  return Number.isInteger(days) && days > 1 ? `the last ${days} days` : `the last ${hours} hours`;
}

const SOON_MS = 60_000;

/** Whether runs that are scheduled for later stand in the list as well: they are the newest, and seldom what is looked for. */
export function hasComing({ coming, state, q, from }: RunSearch): boolean {
  return coming === true || state !== undefined || q !== undefined || from !== undefined;
}

/** The filter of the list itself, as of a moment. */
export function listFilterOf(search: RunSearch, now: number): FlowRunFilter {
  if (hasComing(search)) return filterOf(search, now);
  return { ...filterOf(search, now), not: { state: { name: ["Scheduled"] }, expectedStart: { gte: new Date(now + SOON_MS).toISOString() } } };
}

export function isNarrowed(search: RunSearch): boolean {
  return Object.keys(filterOf(search, 0)).length > 0;
}
