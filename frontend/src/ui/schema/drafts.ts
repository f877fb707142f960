/** What stands in a form: a value in the making, which may not be one yet. */
import { readJson } from "@/lib/json";
import {
  additionalOf, branchesOf, choicesOf, fits, isRecord, itemOf, kindOf, propertiesOf, requiredOf, resolve, type Schema,
} from "@/ui/schema/schemas";

export type Draft =
  | { kind: "absent" }
  | { kind: "text"; text: string }
  | { kind: "number"; text: string }
  | { kind: "boolean"; isOn: boolean }
  | { kind: "null" }
  | { kind: "choice"; value: unknown; isChosen: boolean }
  | { kind: "list"; items: readonly Draft[] }
  | { kind: "object"; fields: readonly Field[]; extra: readonly Field[] }
  | { kind: "union"; branch: number; draft: Draft }
  | { kind: "json"; text: string };

export type Field = readonly [name: string, draft: Draft];

export const ABSENT: Draft = { kind: "absent" };
const DEEPEST = 12;

export function jsonDraft(value: unknown): Draft {
  return { kind: "json", text: JSON.stringify(value, null, 2) };
}

/** The form's content for a value. What does not have the schema's form is shown as JSON, and never changed. */
export function draftOf(schema: Schema, value: unknown, root: Schema): Draft {
  const resolved = resolve(schema, root);
  if (!fits(resolved, value, root)) return jsonDraft(value);
  switch (kindOf(resolved)) {
    case "text":
      return { kind: "text", text: String(value) };
    case "number":
      return { kind: "number", text: Object.is(value, -0) ? "0" : String(value) };
    case "boolean":
      return { kind: "boolean", isOn: value === true };
    case "null":
      return { kind: "null" };
    case "choice":
      return { kind: "choice", value, isChosen: true };
    case "union": {
      const branches = branchesOf(resolved);
      const branch = branches.findIndex((each) => fits(each, value, root));
      return { kind: "union", branch, draft: draftOf(branches[branch] ?? {}, value, root) };
    }
    case "list":
      return { kind: "list", items: Array.isArray(value) ? value.map((each, index) => draftOf(itemOf(resolved, index), each, root)) : [] };
    case "object":
      return objectDraft(resolved, isRecord(value) ? value : {}, root);
    case "json":
      return jsonDraft(value);
  }
}

function objectDraft(schema: Schema, value: Record<string, unknown>, root: Schema): Draft {
  const declared = propertiesOf(schema);
  const names = new Set(declared.map(([name]) => name));
  const additional = additionalOf(schema) ?? {};
  return {
    kind: "object",
    fields: declared.map(([name, each]) => [name, Object.hasOwn(value, name) ? draftOf(each, value[name], root) : ABSENT]),
    extra: Object.entries(value)
      .filter(([name]) => !names.has(name))
      .map(([name, each]) => [name, draftOf(additional, each, root)]),
  };
}

/** Where somebody begins: with the defaults, and with what is required to be filled in. */
export function emptyDraft(schema: Schema, root: Schema, depth = 0): Draft {
  const resolved = resolve(schema, root);
  if (Object.hasOwn(resolved, "default")) return draftOf(resolved, resolved["default"], root);
  if (depth > DEEPEST) return jsonDraft(null);
  switch (kindOf(resolved)) {
    case "text":
      return { kind: "text", text: "" };
    case "number":
      return { kind: "number", text: "" };
    case "boolean":
      return { kind: "boolean", isOn: false };
    case "null":
      return { kind: "null" };
    case "choice": {
      const choices = choicesOf(resolved);
      return { kind: "choice", value: choices[0], isChosen: choices.length === 1 };
    }
    case "union":
      return { kind: "union", branch: 0, draft: emptyDraft(branchesOf(resolved)[0] ?? {}, root, depth + 1) };
    case "list": {
      const { prefixItems } = resolved;
      const count = Array.isArray(prefixItems) ? prefixItems.length : 0;
      return { kind: "list", items: Array.from({ length: count }, (_, index) => emptyDraft(itemOf(resolved, index), root, depth + 1)) };
    }
    case "object": {
      const required = requiredOf(resolved);
      return {
        kind: "object",
        fields: propertiesOf(resolved).map(([name, each]) => {
          const isThere = required.has(name) || Object.hasOwn(resolve(each, root), "default");
          return [name, isThere ? emptyDraft(each, root, depth + 1) : ABSENT];
        }),
        extra: [],
      };
    }
    case "json":
      return jsonDraft(null);
  }
}

/** The value of a draft; undefined where nothing is given, or where it is no value yet: `problemsOf` then says so. */
export function valueOf(draft: Draft): unknown {
  switch (draft.kind) {
    case "absent":
      return undefined;
    case "text":
      return draft.text;
    case "number":
      return numberOf(draft.text);
    case "boolean":
      return draft.isOn;
    case "null":
      return null;
    case "choice":
      return draft.isChosen ? draft.value : undefined;
    case "list":
      return draft.items.map((item) => valueOf(item) ?? null);
    case "object":
      return Object.fromEntries(
        [...draft.fields, ...draft.extra].map(([name, each]) => [name, valueOf(each)] as const).filter(([, value]) => value !== undefined),
      );
    case "union":
      return valueOf(draft.draft);
    case "json":
      return readJson(draft.text).value;
  }
}

/** A number as people write it; undefined where it is none. */
export function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const number = Number(trimmed);
  return Number.isFinite(number) ? number : undefined;
}
