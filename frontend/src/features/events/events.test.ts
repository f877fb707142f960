import { expect, test } from "vitest";
import { linkOf, nameOf } from "@/features/events/resources";
import { pastOf, streamOf } from "@/features/events/asked";
import { readEventsSearch } from "@/features/events/search";

test("the past and what is to come are asked for alike", () => {
  const search = readEventsSearch({ kind: "flow_run.", resource: "run_1", reach: "hour", other: 7 });

  expect(pastOf(search, Date.parse("2026-11-28T12:00:30Z"))).toEqual({
    occurred: { gte: "2026-11-28T11:00:00.000Z" }, order: "DESC", event: { startsWith: "flow_run." }, resourceId: { eq: "run_1" },
  });
  expect(streamOf(search)).toEqual({ events: ["flow_run.*"], resourceIds: ["run_1"] });
});

test.each([
  [{ id: "run_01", name: "swift-otter" }, "/runs/run_01", "swift-otter"],
  [{ id: "pool_01", name: "a/b" }, "/pools/a%2Fb", "a/b"],
  [{ id: "var_01" }, undefined, "var_01"],
  [null, undefined, ""],
])("%j leads to %s", (resource, link, name) => {
  expect(linkOf(resource)).toBe(link);
  expect(nameOf(resource)).toBe(name);
});
