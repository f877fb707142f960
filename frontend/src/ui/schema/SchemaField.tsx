/** One field for one schema; those of objects, lists and unions hold further ones. */
import { type ReactNode, useState } from "react";
import { AreaField, CheckField, type Choice, SelectField, TextField } from "@/ui/fields";
import { ABSENT, type Draft, draftOf, emptyDraft, valueOf } from "@/ui/schema/drafts";
import type { Problems } from "@/ui/schema/problems";
import { ListField } from "@/ui/schema/ListField";
import { ObjectField } from "@/ui/schema/ObjectField";
import { branchesOf, choicesOf, fits, isSame, kindOf, resolve, type Schema } from "@/ui/schema/schemas";

export interface SchemaFieldProps {
  schema: Schema;
  root: Schema;
  draft: Draft;
  onDraft: (draft: Draft) => void;
  place: string;
  /** The name it has where it stands; its title goes before. */
  name: string;
  problems: Problems;
  isRequired?: boolean;
  /** The outermost has no label of its own. */
  isWhole?: boolean;
}

const LONG_TEXT = 80;
const INPUTS: Readonly<Record<string, string>> = {
  date: "2026-11-28", "date-time": "2026-11-28T09:30:00Z", time: "09:30:00", duration: "PT1H30M", email: "ana@example.com", uri: "https://",
};

export function SchemaField(props: SchemaFieldProps) {
  const { draft, onDraft, isRequired = false, isWhole = false } = props;
  const schema = resolve(props.schema, props.root);
  const label = typeof schema["title"] === "string" ? schema["title"] : props.name;
  if (draft.kind === "absent") return <Absent {...props} schema={schema} label={label} />;
  const leaveOut = !isRequired && !isWhole && (
    <button type="button" className="button is-small" aria-label={`Leave out ${label}`} onClick={() => onDraft(ABSENT)}>Leave out</button>
  );
  return (
    <div className="schema-field">
      <Control {...props} schema={schema} label={label} />
      {leaveOut}
    </div>
  );
}

type ControlProps = SchemaFieldProps & { label: string };

function hintOf(schema: Schema): string | undefined {
  return typeof schema["description"] === "string" ? schema["description"] : undefined;
}

function Absent({ schema, root, onDraft, label, problems, place }: ControlProps) {
  const hasDefault = Object.hasOwn(schema, "default");
  const problem = problems.get(place);
  return (
    <div className="field">
      <span className="field-label">{label}</span>
      <span className="flex flex-wrap items-center gap-2 text-[13px]">
        <span className="faint">{hasDefault ? <>Not given: <code>{JSON.stringify(schema["default"])}</code></> : "Not given"}</span>
        <button type="button" className="button is-small" aria-label={`Give it: ${label}`} onClick={() => onDraft(emptyDraft(schema, root))}>Give it</button>
      </span>
      {problem !== undefined && <p className="field-problem">{problem}</p>}
      {hintOf(schema) !== undefined && <span className="field-said faint">{hintOf(schema)}</span>}
    </div>
  );
}

function Control(props: ControlProps): ReactNode {
  const { schema, draft, onDraft, label, place, problems, isRequired } = props;
  const said = { label, hint: hintOf(schema), problem: problems.get(place), isRequired };
  switch (draft.kind) {
    case "text":
      return <TextControl said={said} schema={schema} text={draft.text} onText={(text) => onDraft({ kind: "text", text })} />;
    case "number":
      return <TextField {...said} inputMode="decimal" className="num" value={draft.text} onChange={(text) => onDraft({ kind: "number", text })} />;
    case "boolean":
      return <CheckField label={label} hint={said.hint} isOn={draft.isOn} onChange={(isOn) => onDraft({ kind: "boolean", isOn })} />;
    case "null":
      return <p className="m-0 text-[13px]"><span className="field-label">{label}</span> <code>null</code></p>;
    case "choice":
      return <ChoiceField {...props} said={said} />;
    case "union":
      return <UnionField {...props} draft={draft} />;
    case "list":
      return <ListField {...props} draft={draft} />;
    case "object":
      return <ObjectField {...props} draft={draft} />;
    default:
      return <JsonField {...props} said={said} text={draft.kind === "json" ? draft.text : ""} />;
  }
}

interface Said {
  label: string;
  hint: string | undefined;
  problem: string | undefined;
  isRequired: boolean | undefined;
}

interface TextControlProps {
  said: Said;
  schema: Schema;
  text: string;
  onText: (text: string) => void;
}

/** A line, or an area for a long text. Which one is settled once one has left it: the caret stays where one types. */
function TextControl({ said, schema, text, onText }: TextControlProps) {
  const format = typeof schema["format"] === "string" ? schema["format"] : "";
  const isLong = text.length > LONG_TEXT || text.includes("\n") || format === "textarea";
  const [isArea, setArea] = useState(isLong);
  const settle = (): void => setArea(isLong);
  if (isArea) return <AreaField {...said} value={text} onChange={onText} onBlur={settle} />;
  const isSecret = format === "password" || schema["writeOnly"] === true;
  return <TextField {...said} type={isSecret ? "password" : "text"} autoComplete="off" placeholder={INPUTS[format]} value={text} onChange={onText} onBlur={settle} />;
}

function ChoiceField({ schema, draft, onDraft, said }: ControlProps & { said: Said }) {
  const choices = choicesOf(schema);
  const index = draft.kind === "choice" && draft.isChosen ? choices.findIndex((each) => isSame(each, draft.value)) : -1;
  const shown: Choice[] = choices.map((each, at) => ({ value: String(at), label: typeof each === "string" ? each : JSON.stringify(each) }));
  return (
    <SelectField
      {...said}
      value={String(index)}
      choices={index < 0 ? [{ value: "-1", label: "Choose…" }, ...shown] : shown}
      onChange={(chosen) => onDraft(chosen === "-1" ? { kind: "choice", value: undefined, isChosen: false } : { kind: "choice", value: choices[Number(chosen)], isChosen: true })}
    />
  );
}

function branchLabel(branch: Schema, root: Schema, index: number): string {
  const schema = resolve(branch, root);
  if (typeof schema["title"] === "string") return schema["title"];
  const kind = kindOf(schema);
  if (kind === "choice") return choicesOf(schema).map((each) => JSON.stringify(each)).join(" or ").slice(0, 60);
  if (kind === "null") return "Nothing (null)";
  return typeof schema["type"] === "string" ? schema["type"] : `Form ${index + 1}`;
}

function UnionField(props: ControlProps & { draft: Draft & { kind: "union" } }) {
  const { schema, root, draft, onDraft, label } = props;
  const branches = branchesOf(schema);
  const choose = (branch: number): void => {
    const next = branches[branch] ?? {};
    const value = valueOf(draft.draft);
    const kept = value !== undefined && fits(next, value, root);
    onDraft({ kind: "union", branch, draft: kept ? draftOf(next, value, root) : emptyDraft(next, root) });
  };
  const { title: _title, description: _description, ...inner } = resolve(branches[draft.branch] ?? {}, root);
  return (
    <fieldset className="schema-group">
      <SelectField
        label={label}
        hint={hintOf(schema)}
        value={String(draft.branch)}
        choices={branches.map((each, index) => ({ value: String(index), label: branchLabel(each, root, index) }))}
        onChange={(chosen) => choose(Number(chosen))}
      />
      {draft.draft.kind !== "null" && (
        <SchemaField {...props} schema={inner} draft={draft.draft} onDraft={(next) => onDraft({ ...draft, draft: next })} name={label} isWhole />
      )}
    </fieldset>
  );
}

function JsonField({ schema, root, onDraft, said, text }: ControlProps & { said: Said; text: string }) {
  const isForeign = kindOf(schema) !== "json";
  return (
    <>
      <AreaField {...said} spellCheck={false} hint={said.hint ?? (isForeign ? "What was given does not have the form that is asked for." : "JSON")} value={text} onChange={(next) => onDraft({ kind: "json", text: next })} />
      {isForeign && <button type="button" className="button is-small" onClick={() => onDraft(emptyDraft(schema, root))}>Begin anew</button>}
    </>
  );
}
