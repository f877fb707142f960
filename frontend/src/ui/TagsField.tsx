/** Words, each with a button that removes it: Enter or a comma adds one. */
import { type KeyboardEvent, useState } from "react";
import { Field } from "@/ui/fields";

export interface TagsFieldProps {
  label: string;
  hint?: string;
  tags: readonly string[];
  onChange: (tags: string[]) => void;
}

export function TagsField({ label, hint, tags, onChange }: TagsFieldProps) {
  const [text, setText] = useState("");
  const add = (): void => {
    const word = text.trim();
    if (word && !tags.includes(word)) onChange([...tags, word]);
    setText("");
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter" || event.key === ",") {
      if (text.trim()) event.preventDefault();
      add();
    } else if (event.key === "Backspace" && text === "" && tags.length > 0) {
      onChange(tags.slice(0, -1));
    }
  };
  return (
    <Field label={label} hint={hint}>
      {(told) => (
        <span className="flex flex-wrap items-center gap-1">
          {tags.map((tag) => (
            <span key={tag} className="tag">
              {tag}
              <button type="button" className="tag-remove" aria-label={`Remove ${tag}`} onClick={() => onChange(tags.filter((each) => each !== tag))}>×</button>
            </span>
          ))}
          <input {...told} className="input w-40" value={text} onChange={(event) => setText(event.target.value)} onKeyDown={onKeyDown} onBlur={add} />
        </span>
      )}
    </Field>
  );
}
