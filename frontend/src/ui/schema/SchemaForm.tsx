/** A form for a JSON Schema, with the same value as JSON beside it. */
import { useId, useState } from "react";
import { readJson } from "@/lib/json";
import type { Problems } from "@/ui/schema/problems";
import { SchemaField } from "@/ui/schema/SchemaField";
import type { SchemaFormState } from "@/ui/schema/useSchemaForm";

export interface SchemaFormProps {
  form: SchemaFormState;
  label: string;
  /** What the server refused, by place; shown once it has been asked. */
  refused?: Problems;
  /** Whether what is not filled in yet is marked. */
  isAsked: boolean;
}

export function SchemaForm({ form, label, refused, isAsked }: SchemaFormProps) {
  const [isJson, setJson] = useState(false);
  const problems = isAsked ? new Map([...form.problems, ...(refused ?? [])]) : new Map(refused);
  const isBroken = form.broken !== undefined;
  const whole = isBroken ? undefined : problems.get("");
  return (
    <section className="schema-form" aria-label={label}>
      <div className="flex gap-1" role="group" aria-label="How to write it">
        <button type="button" className="button is-small" aria-pressed={!isJson} disabled={isBroken} title={isBroken ? "The text is no JSON yet." : undefined} onClick={() => setJson(false)}>Form</button>
        <button type="button" className="button is-small" aria-pressed={isJson} onClick={() => setJson(true)}>JSON</button>
      </div>
      {whole !== undefined && <p className="field-problem" role="alert">{whole}</p>}
      {isJson ? (
        <JsonText form={form} label={label} />
      ) : (
        <SchemaField schema={form.schema} root={form.schema} draft={form.draft} onDraft={form.setDraft} place="" name={label} problems={problems} isWhole />
      )}
    </section>
  );
}

/** The value as text. What is no JSON yet stays here, and is not sent: neither is the last that was. */
function JsonText({ form, label }: { form: SchemaFormState; label: string }) {
  const id = useId();
  const shown = (): string => JSON.stringify(form.value ?? null, null, 2);
  const [text, setText] = useState(() => form.broken ?? shown());
  const { problem } = readJson(text);
  return (
    <div className="field">
      <textarea
        className="input area min-h-64"
        aria-label={`${label} as JSON`}
        aria-invalid={problem === undefined ? undefined : true}
        aria-describedby={id}
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          form.setText(event.target.value);
        }}
      />
      <p id={id} className="field-said m-0">
        {problem === undefined ? <span className="faint">What is written here is in the form too.</span> : <span className="field-problem" role="alert">{problem} Nothing is sent until it is mended.</span>}
      </p>
      {problem !== undefined && (
        <button
          type="button"
          className="button is-small"
          onClick={() => {
            setText(shown());
            form.setText(undefined);
          }}
        >
          Back to what the form has
        </button>
      )}
    </div>
  );
}
