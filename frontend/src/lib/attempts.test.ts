import { readFileSync } from "node:fs";
import { buildSchema, isInputObjectType } from "graphql";
import { expect, test } from "vitest";
import { KEYED } from "@/lib/attempts";

/** Sent by agents, runs and programs, never by a page. */
const OF_MACHINES = ["ConcurrencyAcquireInput", "FlowRunBeginInput", "FlowRunCreateBatchInput", "FlowRunStartInput"];

test("every mutation of a page that takes a key gets one", () => {
  const schema = buildSchema(readFileSync("../backend/schema.graphql", "utf8"));
  const taking = Object.values(schema.getTypeMap())
    .filter((type) => isInputObjectType(type) && "idempotencyKey" in type.getFields())
    .map(({ name }) => name);

  expect([...KEYED, ...OF_MACHINES].sort()).toEqual(taking.sort());
});
