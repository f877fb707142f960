import { expect, test } from "vitest";
import { FIRST_FIELDS, readFields } from "@/features/blocks/types";

test("fields are the JSON Schema of an object", () => {
  expect(readFields(FIRST_FIELDS)).toHaveProperty("fields.properties.password.format", "password");
  expect(readFields("[]")).toHaveProperty("problem");
  expect(readFields('{"type": "string"}')).toHaveProperty("problem");
  expect(readFields("{")).toHaveProperty("problem");
});
