/** What narrows the audit log; it is in the address, so that a view can be passed on. */
import type { AuditFilter } from "@/generated/graphql";
import { wordsOf } from "@/lib/search";

export interface AuditSearch {
  /** How an action begins: api_key. */
  action?: string;
  /** Ids. */
  actor?: string;
  target?: string;
  /** The entry that is looked at. */
  entry?: string;
  /** So many days back. */
  days?: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const MOST_DAYS = 3660;

export function readAuditSearch(search: Record<string, unknown>): AuditSearch {
  const days = search["days"];
  return {
    ...wordsOf(search, "action", "actor", "target", "entry"),
    ...(typeof days === "number" && days > 0 && days <= MOST_DAYS ? { days } : {}),
  };
}

/** Since when is told from ``now``, rounded to the hour: the same view asks the same. */
export function auditFilterOf(search: AuditSearch, now: number): AuditFilter {
  const hour = Math.floor(now / 3_600_000) * 3_600_000;
  return {
    ...(search.action ? { action: { startsWith: search.action } } : {}),
    ...(search.actor ? { actorId: { eq: search.actor } } : {}),
    ...(search.target ? { targetId: { eq: search.target } } : {}),
    ...(search.days ? { at: { gte: new Date(hour - search.days * DAY_MS).toISOString() } } : {}),
  };
}

export function isAuditNarrowed({ entry: _entry, ...rest }: AuditSearch): boolean {
  return Object.keys(rest).length > 0;
}

export interface Change {
  field: string;
  before: unknown;
  after: unknown;
}

function fieldsOf(side: unknown): Record<string, unknown> {
  return typeof side === "object" && side !== null ? { ...side } : {};
}

/** The fields that differ, each with what it was and what it is. */
export function changesOf(diff: unknown): Change[] {
  const { before, after } = fieldsOf(diff);
  const [old, fresh] = [fieldsOf(before), fieldsOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(fresh)]);
  return [...names].toSorted().map((field) => ({ field, before: old[field], after: fresh[field] }));
}
