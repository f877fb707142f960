import { readFileSync } from "node:fs";
import { buildSchema, isObjectType } from "graphql";
import { expect, test } from "vitest";
import { EMBEDDED } from "@/lib/embedded";

const ANSWERS = /(Payload|Connection|Edge)$|^(Query|Mutation|Subscription)$/;

test("the cache knows every type without an id", () => {
  const schema = buildSchema(readFileSync("../backend/schema.graphql", "utf8"));
  const without = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !("id" in type.getFields()) && !type.name.startsWith("__") && !ANSWERS.test(type.name))
    .map(({ name }) => name);

  expect([...EMBEDDED].sort()).toEqual(without.sort());
});
