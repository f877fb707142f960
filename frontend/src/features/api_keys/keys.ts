/** How a key stands, and which of a list are asked for. */
import type { KeyRowFragment } from "@/generated/graphql";

export type Standing = "works" | "ends soon" | "expired" | "revoked";

const SOON_MS = 14 * 24 * 60 * 60 * 1000;

export function standingOf(key: Pick<KeyRowFragment, "revokedAt" | "expiresAt">, now: number): Standing {
  if (key.revokedAt) return "revoked";
  if (!key.expiresAt) return "works";
  const end = Date.parse(key.expiresAt);
  if (end <= now) return "expired";
  return end - now < SOON_MS ? "ends soon" : "works";
}

export interface KeySearch {
  /** The id of whose keys. */
  owner?: string;
  /** Those that open nothing any more, too. */
  all?: boolean;
}

export function readKeySearch(search: Record<string, unknown>): KeySearch {
  return {
    ...(typeof search["owner"] === "string" ? { owner: search["owner"] } : {}),
    ...(search["all"] === true ? { all: true } : {}),
  };
}

export function chosenOf<Key extends KeyRowFragment>(keys: readonly Key[], search: KeySearch, now: number): Key[] {
  return keys.filter((key) => {
    const isLive = !["expired", "revoked"].includes(standingOf(key, now));
    return (search.all === true || isLive) && (search.owner === undefined || key.owner.id === search.owner);
  });
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** When a key that is made now ends; undefined for one that does not. */
export function endOf(days: string, now: number): string | undefined {
  return days === "" ? undefined : new Date(now + Number(days) * DAY_MS).toISOString();
}
