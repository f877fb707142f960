/** The fields of an object: those that are declared, and others where the schema lets there be some. */
import { emptyDraft, type Draft, type Field } from "@/ui/schema/drafts";
import { placeOf } from "@/ui/schema/problems";
import { SchemaField, type SchemaFieldProps } from "@/ui/schema/SchemaField";
import { additionalOf, propertiesOf, requiredOf } from "@/ui/schema/schemas";

export type ObjectFieldProps = SchemaFieldProps & { label: string; draft: Draft & { kind: "object" } };

export function ObjectField({ schema, root, draft, onDraft, place, label, problems, isWhole }: ObjectFieldProps) {
  const declared = new Map(propertiesOf(schema));
  const required = requiredOf(schema);
  const additional = additionalOf(schema);
  const setField = (at: number, next: Draft): void =>
    onDraft({ ...draft, fields: draft.fields.map((field, index) => (index === at ? ([field[0], next] as const) : field)) });
  const setExtra = (extra: readonly Field[]): void => onDraft({ ...draft, extra });
  const { description } = schema;
  return (
    <fieldset className={isWhole ? "schema-whole" : "schema-group"}>
      {!isWhole && <legend className="field-label">{label}</legend>}
      {!isWhole && typeof description === "string" && <p className="field-said faint m-0">{description}</p>}
      {draft.fields.map(([name, each], index) => (
        <SchemaField
          key={name}
          schema={declared.get(name) ?? {}}
          root={root}
          draft={each}
          onDraft={(next) => setField(index, next)}
          place={placeOf(place, name)}
          name={name}
          problems={problems}
          isRequired={required.has(name)}
        />
      ))}
      {draft.extra.map(([name, each], index) => (
        // The name is being written, so that the place is all that tells them apart.
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="schema-item">
          <input className="input w-40" aria-label={`Name ${index + 1} in ${label}`} value={name} onChange={(event) => setExtra(draft.extra.with(index, [event.target.value, each]))} />
          <SchemaField
            schema={additional ?? {}}
            root={root}
            draft={each}
            onDraft={(next) => setExtra(draft.extra.with(index, [name, next]))}
            place={placeOf(place, name)}
            name={name || "Value"}
            problems={problems}
            isRequired
          />
          <button type="button" className="icon-button" aria-label={`Remove ${name}`} onClick={() => setExtra(draft.extra.filter((_, at) => at !== index))}>×</button>
        </div>
      ))}
      {additional && (declared.size === 0 || Object.hasOwn(schema, "additionalProperties")) && (
        <button type="button" className="button is-small justify-self-start" onClick={() => setExtra([...draft.extra, [freeName(draft), emptyDraft(additional, root)]])}>
          {isWhole ? "Add a name" : `Add a name to ${label}`}
        </button>
      )}
    </fieldset>
  );
}

/** A name that nothing has yet. */
function freeName({ fields, extra }: Draft & { kind: "object" }): string {
  const taken = new Set([...fields, ...extra].map(([name]) => name));
  for (let number = 1; ; number += 1) {
    if (!taken.has(`name${number}`)) return `name${number}`;
  }
}
