import { describe, expect, test } from "vitest";
import type { KeyRowFragment } from "@/generated/graphql";
import { chosenOf, endOf, readKeySearch, standingOf } from "@/features/api_keys/keys";

const NOW = Date.parse("2026-11-28T12:00:00Z");

function key(more: Partial<KeyRowFragment>): KeyRowFragment {
  return {
    id: "key_1", name: "ci", prefix: "hg_key_1", scopes: [], createdAt: "2026-01-01T00:00:00Z", expiresAt: null,
    lastUsedAt: null, revokedAt: null, isAgents: false, owner: { __typename: "User", id: "user_1", displayName: "Ana" }, ...more,
  };
}

describe("keys", () => {
  test.each([
    [{}, "works"],
    [{ expiresAt: "2026-12-24T00:00:00Z" }, "works"],
    [{ expiresAt: "2026-12-01T00:00:00Z" }, "ends soon"],
    [{ expiresAt: "2026-11-28T12:00:00Z" }, "expired"],
    [{ revokedAt: "2026-11-01T00:00:00Z", expiresAt: "2027-01-01T00:00:00Z" }, "revoked"],
  ] as const)("%j %s", (more, standing) => expect(standingOf(key(more), NOW)).toBe(standing));

  test("those that open nothing are left out until they are asked for", () => {
    const dead = key({ id: "dead", revokedAt: "2026-11-01T00:00:00Z" });
    const other = key({ id: "other", owner: { __typename: "ServiceAccount", id: "sa_1", displayName: "deployer" } });

    expect(chosenOf([key({}), dead, other], {}, NOW).map(({ id }) => id)).toEqual(["key_1", "other"]);
    expect(chosenOf([key({}), dead, other], { all: true, owner: "user_1" }, NOW).map(({ id }) => id)).toEqual(["key_1", "dead"]);
  });

  test("an address says only what is understood", () => {
    expect(readKeySearch({ owner: 3, all: "yes" })).toEqual({});
    expect(readKeySearch({ owner: "sa_1", all: true })).toEqual({ owner: "sa_1", all: true });
  });

  test("an end is so many days ahead, or none", () => {
    expect(endOf("30", NOW)).toBe("2026-12-28T12:00:00.000Z");
    expect(endOf("", NOW)).toBeUndefined();
  });
});
