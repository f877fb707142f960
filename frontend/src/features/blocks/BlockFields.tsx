/** Fields to fill in a block with; secrets go in and never come out. */
import { useState } from "react";
import { type Shape, valueAt } from "@/features/blocks/shapes";
import { readJson } from "@/lib/json";
import { showTime, localZone } from "@/lib/time";
import { AreaField, CheckField, SecretField, SelectField, TextField } from "@/ui/fields";

export interface SecretStanding {
  path: string;
  isSet: boolean;
  external: boolean;
  updatedAt?: string | null;
}

export interface BlockFieldsProps {
  shapes: readonly Shape[];
  data: Record<string, unknown>;
  onData: (parts: readonly string[], value: unknown) => void;
  /** What is known of the secrets that are stored. */
  standing: readonly SecretStanding[];
  /** New values by path; what is absent keeps the one that is stored. */
  secrets: Readonly<Record<string, string>>;
  onSecret: (path: string, value: string | undefined) => void;
  problems: ReadonlyMap<string, string>;
  /** Told what is wrong with a text that is no value yet, by path; nothing may be sent until nothing is. */
  onUnread: (path: string, problem: string | undefined) => void;
}

export function BlockFields(props: BlockFieldsProps) {
  return props.shapes.map((shape) => <OneField key={shape.path} {...props} shape={shape} />);
}

function OneField(props: BlockFieldsProps & { shape: Shape }) {
  const { shape, data, onData, problems } = props;
  const said = { label: shape.title, hint: shape.hint, isRequired: shape.isRequired, problem: problems.get(shape.path) };
  const value = valueAt(data, shape.parts);
  switch (shape.kind) {
    case "group":
      return (
        <fieldset className="group">
          <legend className="field-label">{shape.title}</legend>
          <BlockFields {...props} shapes={shape.fields} />
        </fieldset>
      );
    case "secret":
      return <OneSecret {...props} />;
    case "check":
      return <CheckField label={shape.title} hint={shape.hint} isOn={value === true} onChange={(isOn) => onData(shape.parts, isOn)} />;
    case "choice":
      return <SelectField {...said} value={typeof value === "string" ? value : ""} choices={[{ value: "", label: "–" }, ...shape.choices.map((each) => ({ value: each, label: each }))]} onChange={(chosen) => onData(shape.parts, chosen || undefined)} />;
    case "number":
      return <TextField {...said} inputMode="decimal" className="num" value={typeof value === "number" || typeof value === "string" ? String(value) : ""} onChange={(text) => onData(shape.parts, numberOf(text))} />;
    case "text":
      return <TextField {...said} value={typeof value === "string" ? value : ""} onChange={(text) => onData(shape.parts, text === "" ? undefined : text)} />;
    case "json":
      return <JsonField {...said} value={value} onChange={(next) => onData(shape.parts, next)} onUnread={(problem) => props.onUnread(shape.path, problem)} />;
  }
}

/** A text that is no number stays one: the server says what is wrong with it. */
function numberOf(text: string): number | string | undefined {
  if (text.trim() === "") return undefined;
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text.trim() ? number : text;
}

function OneSecret({ shape, standing, secrets, onSecret, problems }: BlockFieldsProps & { shape: Shape }) {
  const known = standing.find(({ path }) => path === shape.path);
  const at = known?.updatedAt ? new Date(known.updatedAt) : undefined;
  const note = known?.external ? "in a store of your own" : at && showTime(at, new Date(), localZone());
  return (
    <SecretField
      label={shape.title}
      hint={shape.hint}
      isRequired={shape.isRequired}
      problem={problems.get(shape.path)}
      isSet={known?.isSet ?? false}
      setNote={note}
      value={secrets[shape.path]}
      onChange={(value) => onSecret(shape.path, value)}
    />
  );
}

interface JsonFieldProps {
  label: string;
  hint: string | undefined;
  problem: string | undefined;
  isRequired: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
  onUnread: (problem: string | undefined) => void;
}

/** Anything else, as JSON: a list, or a reference to another block, {"$ref": "type/name"}. */
function JsonField({ label, hint, problem, isRequired, value, onChange, onUnread }: JsonFieldProps) {
  const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
  const read = (given: string): { value?: unknown; problem?: string } => (given.trim() === "" ? {} : readJson(given));
  const write = (next: string): void => {
    const given = read(next);
    setText(next);
    onUnread(given.problem);
    if (given.problem === undefined) onChange(given.value);
  };
  return <AreaField label={label} hint={hint ?? 'JSON; another block is {"$ref": "type/name"}.'} isRequired={isRequired} problem={read(text).problem ?? problem} value={text} onChange={write} />;
}
