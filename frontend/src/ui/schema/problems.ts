/** What is wrong with what stands in a form, each with the place; the server has the last word. */
import { readJson, tooLarge } from "@/lib/json";
import { type Draft, numberOf, valueOf } from "@/ui/schema/drafts";
import { branchesOf, itemOf, kindOf, propertiesOf, additionalOf, requiredOf, resolve, type Schema } from "@/ui/schema/schemas";

/** By place: "orders.0.amount"; the whole is "". */
export type Problems = ReadonlyMap<string, string>;

export function placeOf(place: string, name: string | number): string {
  return place === "" ? String(name) : `${place}.${name}`;
}

export function problemsOf(schema: Schema, draft: Draft, root: Schema): Problems {
  const found = new Map<string, string>();
  look(schema, draft, root, "", found);
  return found;
}

function look(schema: Schema, draft: Draft, root: Schema, place: string, found: Map<string, string>): void {
  const resolved = resolve(schema, root);
  const problem = problemOf(resolved, draft);
  if (problem !== undefined) found.set(place, problem);
  if (draft.kind === "union") {
    look(branchesOf(resolved)[draft.branch] ?? {}, draft.draft, root, place, found);
  } else if (draft.kind === "list" && kindOf(resolved) === "list") {
    draft.items.forEach((item, index) => look(itemOf(resolved, index), item, root, placeOf(place, index), found));
  } else if (draft.kind === "object") {
    const declared = new Map(propertiesOf(resolved));
    const required = requiredOf(resolved);
    for (const [name, each] of draft.fields) {
      if (each.kind === "absent" && required.has(name)) found.set(placeOf(place, name), "This is required.");
      look(declared.get(name) ?? {}, each, root, placeOf(place, name), found);
    }
    for (const [name, each] of draft.extra) look(additionalOf(resolved) ?? {}, each, root, placeOf(place, name), found);
  }
}

function problemOf(schema: Schema, draft: Draft): string | undefined {
  switch (draft.kind) {
    case "text":
      return textProblem(schema, draft.text);
    case "number":
      return numberProblem(schema, draft.text);
    case "choice":
      return draft.isChosen ? undefined : "Choose one.";
    case "json":
      return readJson(draft.text).problem;
    case "list":
      return countProblem(schema, draft.items.length);
    case "object": {
      const names = [...draft.fields, ...draft.extra].map(([name]) => name);
      return new Set(names).size < names.length ? "Two of these have the same name." : undefined;
    }
    default:
      return undefined;
  }
}

function limit(schema: Schema, keyword: string): number | undefined {
  const value = schema[keyword];
  return typeof value === "number" ? value : undefined;
}

function textProblem(schema: Schema, text: string): string | undefined {
  const [least, most] = [limit(schema, "minLength"), limit(schema, "maxLength")];
  const length = [...text].length;
  if (least !== undefined && length < least) return `At least ${least} characters, please.`;
  if (most !== undefined && length > most) return `At most ${most} characters, please.`;
  return undefined;
}

/** Whether the server gets the number that stands here; what it said of a large whole number was rounded before it came here. */
function isSentAs(schema: Schema, text: string, number: number): boolean {
  const isLarge = Number.isInteger(number) && !Number.isSafeInteger(number);
  return !isLarge || (schema["type"] !== "integer" && (/[.e]/i.test(text) || String(number) === text.trim()));
}

function numberProblem(schema: Schema, text: string): string | undefined {
  const number = numberOf(text);
  if (number === undefined) return text.trim() === "" ? "Give a number." : "This is not a number.";
  if (schema["type"] === "integer" && !Number.isInteger(number)) return "This has to be a whole number.";
  if (!isSentAs(schema, text, number)) return tooLarge(text);
  const [least, most] = [limit(schema, "minimum"), limit(schema, "maximum")];
  const [above, below] = [limit(schema, "exclusiveMinimum"), limit(schema, "exclusiveMaximum")];
  if (least !== undefined && number < least) return `At least ${least}, please.`;
  if (most !== undefined && number > most) return `At most ${most}, please.`;
  if (above !== undefined && number <= above) return `More than ${above}, please.`;
  if (below !== undefined && number >= below) return `Less than ${below}, please.`;
  return undefined;
}

function countProblem(schema: Schema, count: number): string | undefined {
  const [least, most] = [limit(schema, "minItems"), limit(schema, "maxItems")];
  if (least !== undefined && count < least) return `At least ${least} of these, please.`;
  if (most !== undefined && count > most) return `At most ${most} of these, please.`;
  return undefined;
}

/** Whether what stands there can be sent at all. */
export function isReady(problems: Problems, draft: Draft): boolean {
  return problems.size === 0 && valueOf(draft) !== undefined;
}

/** What a server refused, by place within the field of its input that the form fills in. */
export function refusedAt(refusals: readonly { message: string; path?: string[] | null }[], field: string): Problems {
  return new Map(
    refusals.flatMap(({ message, path }) => (path?.[0] === field ? [[path.slice(1).join("."), message] as const] : [])),
  );
}
