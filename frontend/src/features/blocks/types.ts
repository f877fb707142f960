/** What a type of blocks consists of, as somebody writes it. */

import { readJson } from "@/lib/json";

export const FIRST_FIELDS = `{
  "type": "object",
  "required": ["host"],
  "properties": {
    "host": { "type": "string" },
    "password": { "type": "string", "format": "password" }
  }
}`;

/** The JSON Schema in a text, or why it is none. */
export function readFields(text: string): { fields: Record<string, unknown> } | { problem: string } {
  const { value, problem } = readJson(text);
  if (problem !== undefined) return { problem };
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject || !("properties" in value)) return { problem: "This has to be a JSON Schema of an object, with its properties." };
  return { fields: value as Record<string, unknown> };
}
