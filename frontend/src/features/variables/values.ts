/** Values of variables: any JSON, shown short in a list and written as text or as JSON. */

import { isRounded, readJson, tooLarge } from "@/lib/json";

export type Kind = "text" | "json";

export function kindOf(value: unknown): Kind {
  return typeof value === "string" ? "text" : "json";
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** What somebody wrote, or why it is no JSON. */
export function read(kind: Kind, text: string): { value: unknown } | { problem: string } {
  if (kind === "text") return { value: text };
  const { value, problem } = readJson(text);
  if (problem !== undefined) return { problem };
  return isRounded(value) ? { problem: tooLarge("a number in it") } : { value };
}

/** A number, a list, a text: what a value is, in a word. */
export function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "text";
  return typeof value === "boolean" ? "yes or no" : typeof value;
}
