/** Making a variable, or giving one another value. */
import { useState } from "react";
import { type Kind, kindOf, read, textOf } from "@/features/variables/values";
import { type VariableRowFragment, VariableSetDocument } from "@/generated/graphql";
import { useEdited } from "@/lib/edited";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { Dialog } from "@/ui/Dialog";
import { AreaField, SelectField, TextField } from "@/ui/fields";
import { TagsField } from "@/ui/TagsField";
import { tell } from "@/ui/toasts";

const KINDS = [
  { value: "text", label: "Text" },
  { value: "json", label: "JSON: a number, a list, an object" },
] as const;

export interface VariableDialogProps {
  workspaceId: string;
  /** Undefined makes one. */
  variable: VariableRowFragment | undefined;
  onClose: () => void;
  onSaved: () => void;
}

export function VariableDialog({ workspaceId, variable, onClose, onSaved }: VariableDialogProps) {
  const [name, setName] = useState(variable?.name ?? "");
  const [kind, setKind] = useState<Kind>(variable ? kindOf(variable.value) : "text");
  const [text, setText] = useState(variable ? textOf(variable.value) : "");
  const [tags, setTags] = useState<string[]>(variable?.tags ?? []);
  const set = useAct(VariableSetDocument, { isQuiet: true });
  const given = read(kind, text);
  const edited = useEdited(variable);
  const refused = (field: string): string | undefined => refusalAt(set.refusals, field);
  const other = otherRefusals(set.refusals, ["name", "value"]);
  const save = async (): Promise<void> => {
    if ("problem" in given) return;
    const input = { workspaceId, name: name.trim(), value: given.value, tags, expectedVersion: edited.expectedVersion };
    if (!(await set.act({ input }))) return;
    onSaved();
    onClose();
    tell(`${name.trim().slice(0, 60)} is set.`);
  };
  const lacks = !name.trim() ? "Give it a name." : "problem" in given ? given.problem : undefined;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={variable ? variable.name : "New variable"}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button isPrimary needs="VARIABLES_WRITE" isBusy={set.isBusy} lacks={lacks} onClick={() => void save()}>{variable ? "Save" : "Make it"}</Button>
        </>
      }
    >
      <Changed edited={edited} />
      {!variable && <TextField label="Name" isRequired value={name} onChange={setName} problem={refused("name")} hint="As flows read it: Variable.get(…)" className="mono" autoComplete="off" />}
      <SelectField label="Type" value={kind} onChange={setKind} choices={KINDS} />
      <AreaField label="Value" value={text} onChange={setText} problem={("problem" in given && text ? given.problem : undefined) ?? refused("value")} hint="No place for secrets: whoever sees variables sees it. Blocks keep secrets." />
      <TagsField label="Tags" tags={tags} onChange={setTags} />
      {other.length > 0 && <p className="field-problem" role="alert">{other.map(({ message }) => message).join(" ")}</p>}
    </Dialog>
  );
}
