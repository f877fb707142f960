/** The content of a form for a JSON Schema, and the value that it makes. */
import { useMemo, useState } from "react";
import { type Draft, draftOf, emptyDraft, valueOf } from "@/ui/schema/drafts";
import { type Problems, problemsOf } from "@/ui/schema/problems";
import { isRecord, type Schema } from "@/ui/schema/schemas";

export interface SchemaFormState {
  schema: Schema;
  draft: Draft;
  setDraft: (draft: Draft) => void;
  /** Take a value in place of what stands there. */
  setValue: (value: unknown) => void;
  value: unknown;
  problems: Problems;
}

/** Begins with ``initial``; a name that it lacks begins with its default, or not given. */
export function useSchemaForm(schema: Schema, initial: unknown): SchemaFormState {
  const [draft, setDraft] = useState<Draft>(() => begin(schema, initial));
  const problems = useMemo(() => problemsOf(schema, draft, schema), [schema, draft]);
  const value = useMemo(() => valueOf(draft), [draft]);
  return { schema, draft, setDraft, setValue: (next) => setDraft(draftOf(schema, next, schema)), value, problems };
}

function begin(schema: Schema, initial: unknown): Draft {
  const empty = emptyDraft(schema, schema);
  if (initial === undefined || initial === null) return empty;
  const given = isRecord(initial) ? draftOf({ ...schema, required: [] }, initial, schema) : draftOf(schema, initial, schema);
  if (given.kind !== "object" || empty.kind !== "object") return given;
  const blank = new Map(empty.fields);
  return { ...given, fields: given.fields.map(([name, each]) => [name, each.kind === "absent" ? (blank.get(name) ?? each) : each]) };
}
