/** Fields of a form: a label, the control, what it is for, and what is wrong with what was given. */
import { type ComponentPropsWithRef, type ReactNode, useId } from "react";

interface Said {
  label: string;
  hint?: ReactNode;
  problem?: string | undefined;
  isRequired?: boolean | undefined;
}

interface Told {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
  "aria-required": true | undefined;
}

/** The frame of any field; the control takes what it is told. */
export function Field({ label, hint, problem, isRequired, children }: Said & { children: (told: Told) => ReactNode }) {
  const id = useId();
  const isSaid = hint !== undefined || problem !== undefined;
  const told: Told = {
    id,
    "aria-describedby": isSaid ? `${id}-said` : undefined,
    "aria-invalid": problem === undefined ? undefined : true,
    "aria-required": isRequired || undefined,
  };
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
        {isRequired && <span className="faint"> (required)</span>}
      </label>
      {children(told)}
      {isSaid && (
        <div id={`${id}-said`} className="field-said">
          {problem !== undefined && <p className="field-problem">{problem}</p>}
          {hint !== undefined && <div className="faint">{hint}</div>}
        </div>
      )}
    </div>
  );
}

type Control<Tag extends "input" | "textarea" | "select"> = Omit<ComponentPropsWithRef<Tag>, "value" | "onChange" | "id" | "children">;

export interface TextFieldProps extends Said, Control<"input"> {
  value: string;
  onChange: (value: string) => void;
}

export function TextField({ label, hint, problem, isRequired, value, onChange, className = "", ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} problem={problem} isRequired={isRequired}>
      {(told) => <input type="text" {...rest} {...told} className={`input ${className}`} value={value} onChange={(event) => onChange(event.target.value)} />}
    </Field>
  );
}

export interface AreaFieldProps extends Said, Control<"textarea"> {
  value: string;
  onChange: (value: string) => void;
}

export function AreaField({ label, hint, problem, isRequired, value, onChange, className = "", ...rest }: AreaFieldProps) {
  return (
    <Field label={label} hint={hint} problem={problem} isRequired={isRequired}>
      {(told) => <textarea rows={4} {...rest} {...told} className={`input area ${className}`} value={value} onChange={(event) => onChange(event.target.value)} />}
    </Field>
  );
}

export interface Choice<Value extends string = string> {
  value: Value;
  label: string;
}

export interface SelectFieldProps<Value extends string> extends Said, Control<"select"> {
  value: Value;
  choices: readonly Choice<Value>[];
  onChange: (value: Value) => void;
}

export function SelectField<Value extends string>({ label, hint, problem, isRequired, value, choices, onChange, className = "", ...rest }: SelectFieldProps<Value>) {
  return (
    <Field label={label} hint={hint} problem={problem} isRequired={isRequired}>
      {(told) => (
        <select
          {...rest}
          {...told}
          className={`input ${className}`}
          value={value}
          onChange={(event) => {
            const chosen = choices.find((each) => each.value === event.target.value);
            if (chosen) onChange(chosen.value);
          }}
        >
          {choices.map((each) => <option key={each.value} value={each.value}>{each.label}</option>)}
        </select>
      )}
    </Field>
  );
}

export interface CheckFieldProps {
  label: ReactNode;
  hint?: ReactNode;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  isDisabled?: boolean;
}

export function CheckField({ label, hint, isOn, onChange, isDisabled = false }: CheckFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label className="check">
        <input type="checkbox" checked={isOn} disabled={isDisabled} aria-describedby={hint === undefined ? undefined : id} onChange={(event) => onChange(event.target.checked)} />
        <span>{label}</span>
      </label>
      {hint !== undefined && <div id={id} className="field-said faint">{hint}</div>}
    </div>
  );
}

export interface SecretFieldProps extends Said {
  /** Undefined keeps the one that is set; what is set is never shown. */
  value: string | undefined;
  /** Whether one is set, and when and by whom. */
  isSet: boolean;
  setNote?: string | undefined;
  onChange: (value: string | undefined) => void;
}

export function SecretField({ label, hint, problem, isRequired, value, isSet, setNote, onChange }: SecretFieldProps) {
  const isKept = value === undefined && isSet;
  return (
    <Field label={label} hint={hint} problem={problem} isRequired={isRequired}>
      {(told) =>
        isKept ? (
          <span className="flex items-center gap-2">
            <span className="tag">{setNote ? `set · ${setNote}` : "set"}</span>
            <button type="button" className="button" id={told.id} onClick={() => onChange("")}>Replace</button>
          </span>
        ) : (
          <span className="flex items-center gap-2">
            <input type="password" autoComplete="new-password" {...told} className="input flex-1" value={value ?? ""} onChange={(event) => onChange(event.target.value)} />
            {isSet && <button type="button" className="button" onClick={() => onChange(undefined)}>Keep the old one</button>}
          </span>
        )
      }
    </Field>
  );
}
