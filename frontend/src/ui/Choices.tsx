/** Any number of things out of a list, each with a mark. */
import type { ReactNode } from "react";

export interface ChoicesProps<Value extends string> {
  label: string;
  hint?: ReactNode;
  choices: readonly { value: Value; label: string }[];
  chosen: readonly Value[];
  onChange: (chosen: Value[]) => void;
}

export function Choices<Value extends string>({ label, hint, choices, chosen, onChange }: ChoicesProps<Value>) {
  const toggle = (value: Value): void => {
    onChange(chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value]);
  };
  return (
    <fieldset className="choices">
      <legend className="field-label">{label}</legend>
      {hint !== undefined && <div className="field-said faint">{hint}</div>}
      <div className="choices-list">
        {choices.map((choice) => (
          <label key={choice.value} className="check">
            <input type="checkbox" checked={chosen.includes(choice.value)} onChange={() => toggle(choice.value)} />
            <span>{choice.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
