/** The items of a list, in order; they can be added, taken out and moved. */
import { emptyDraft, type Draft } from "@/ui/schema/drafts";
import { placeOf } from "@/ui/schema/problems";
import { SchemaField, type SchemaFieldProps } from "@/ui/schema/SchemaField";
import { itemOf } from "@/ui/schema/schemas";

export type ListFieldProps = SchemaFieldProps & { label: string; draft: Draft & { kind: "list" } };

export function ListField({ schema, root, draft, onDraft, place, label, problems }: ListFieldProps) {
  const { items } = draft;
  const problem = problems.get(place);
  const { prefixItems, description } = schema;
  const fixed = Array.isArray(prefixItems) ? prefixItems.length : 0;
  const isFixed = fixed > 0 && schema["items"] === false;
  const set = (next: readonly Draft[]): void => onDraft({ kind: "list", items: next });
  const swap = (one: number, other: number): void => {
    const next = [...items];
    const [first, second] = [items[one], items[other]];
    if (!first || !second) return;
    next[one] = second;
    next[other] = first;
    set(next);
  };
  return (
    <fieldset className="schema-group">
      <legend className="field-label">{label}</legend>
      {typeof description === "string" && <p className="field-said faint m-0">{description}</p>}
      {problem !== undefined && <p className="field-problem">{problem}</p>}
      {items.map((item, index) => (
        // The place is all that tells the items of a list apart.
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="schema-item">
          <SchemaField
            schema={itemOf(schema, index)}
            root={root}
            draft={item}
            onDraft={(next) => set(items.with(index, next))}
            place={placeOf(place, index)}
            name={String(index + 1)}
            problems={problems}
            isRequired
          />
          <span className="flex gap-1">
            {index > 0 && index > fixed && <button type="button" className="icon-button" aria-label={`Move ${label} ${index + 1} up`} onClick={() => swap(index, index - 1)}>↑</button>}
            {index >= fixed && <button type="button" className="icon-button" aria-label={`Remove ${label} ${index + 1}`} onClick={() => set(items.filter((_, at) => at !== index))}>×</button>}
          </span>
        </div>
      ))}
      {!isFixed && (
        <button type="button" className="button is-small justify-self-start" onClick={() => set([...items, emptyDraft(itemOf(schema, items.length), root)])}>
          {`Add to ${label}`}
        </button>
      )}
    </fieldset>
  );
}
