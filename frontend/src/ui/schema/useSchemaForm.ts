/** The content of a form for a JSON Schema, and the value that it makes. */
import { useMemo, useState } from "react";
import { readJson } from "@/lib/json";
import { type Draft, draftOf, emptyDraft, valueOf } from "@/ui/schema/drafts";
import { type Problems, problemsOf } from "@/ui/schema/problems";
import { isRecord, type Schema } from "@/ui/schema/schemas";

export interface SchemaFormState {
  schema: Schema;
  draft: Draft;
  setDraft: (draft: Draft) => void;
  /** What stands in the JSON tab while it is no JSON: it is kept, and nothing can be sent. */
  broken: string | undefined;
  /** Take a text of JSON in place of what stands there; undefined drops one that is none. */
  setText: (text: string | undefined) => void;
  value: unknown;
  problems: Problems;
}

/** Begins with ``initial``; a name that it lacks begins with its default, or not given. */
export function useSchemaForm(schema: Schema, initial: unknown): SchemaFormState {
  const [draft, setDraft] = useState<Draft>(() => begin(schema, initial));
  const [broken, setBroken] = useState<string>();
  const problems = useMemo(() => {
    const found = problemsOf(schema, draft, schema);
    const problem = broken === undefined ? undefined : readJson(broken).problem;
    return problem === undefined ? found : new Map([...found, ["", problem] as const]);
  }, [schema, draft, broken]);
  const value = useMemo(() => valueOf(draft), [draft]);
  const setText = (text: string | undefined): void => {
    const read = text === undefined ? undefined : readJson(text);
    setBroken(read?.problem === undefined ? undefined : text);
    if (read && read.problem === undefined) setDraft(draftOf(schema, read.value, schema));
  };
  return { schema, draft, setDraft, broken, setText, value, problems };
}

function begin(schema: Schema, initial: unknown): Draft {
  const empty = emptyDraft(schema, schema);
  if (initial === undefined || initial === null) return empty;
  const given = isRecord(initial) ? draftOf({ ...schema, required: [] }, initial, schema) : draftOf(schema, initial, schema);
  if (given.kind !== "object" || empty.kind !== "object") return given;
  const blank = new Map(empty.fields);
  return { ...given, fields: given.fields.map(([name, each]) => [name, each.kind === "absent" ? (blank.get(name) ?? each) : each]) };
}
