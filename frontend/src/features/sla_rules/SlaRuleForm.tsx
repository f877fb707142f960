/** A rule to make: whose runs, what they do, and within what time. */
import { useState } from "react";
import { useQuery } from "urql";
import { type SlaKind, SlaRuleCreateDocument, SlaTargetsDocument } from "@/generated/graphql";
import { KINDS, lengthOf, sentenceOf, type Unit, UNITS } from "@/features/sla_rules/kinds";
import { usePlace } from "@/lib/place";
import { parseDuration, showDuration } from "@/lib/time";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextField } from "@/ui/fields";
import { tell } from "@/ui/toasts";

export function SlaRuleForm({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { organization, workspace } = usePlace();
  const [{ data }] = useQuery({ query: SlaTargetsDocument, variables: { organization, workspace } });
  const [name, setName] = useState("");
  const [target, setTarget] = useState("");
  const [kind, setKind] = useState<SlaKind>("DURATION");
  const [amount, setAmount] = useState("15");
  const [unit, setUnit] = useState<Unit>("M");
  const create = useAct(SlaRuleCreateDocument, { isQuiet: true });
  const targets = [
    ...(data?.workspace?.deployments.nodes ?? []).map(({ id, name: called, flow }) => ({ value: id, label: `${flow.name}/${called}` })),
    ...(data?.workspace?.flows.nodes ?? []).map(({ id, name: called }) => ({ value: id, label: `${called}, wherever it is deployed` })),
  ];
  const within = lengthOf(amount, unit);
  const isFlow = data?.workspace?.flows.nodes.some(({ id }) => id === target);
  const lacks = name.trim() === "" ? "It needs a name." : target === "" ? "Choose whose runs." : within === undefined ? "Look at the length of time." : undefined;
  const save = async (): Promise<void> => {
    if (within === undefined) return;
    const input = { name: name.trim(), kind, within, enabled: true, ...(isFlow ? { flowId: target } : { deploymentId: target }) };
    if (!(await create.act({ input }))) return;
    tell("The rule is made.");
    onClose();
    onDone();
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="New SLA rule"
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="FLOWS_WRITE" isBusy={create.isBusy} lacks={lacks} onClick={() => void save()}>Make the rule</Button>
        </>
      }
    >
      {otherRefusals(create.refusals, ["name"]).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <TextField label="Name" isRequired value={name} problem={refusalAt(create.refusals, "name")} onChange={setName} />
      <SelectField label="Whose runs" isRequired value={target} choices={[{ value: "", label: "Choose…" }, ...targets]} onChange={setTarget} />
      <SelectField label="What is promised" value={kind} choices={KINDS} onChange={setKind} />
      <div className="form-row">
        <TextField label="Within" inputMode="numeric" className="num" problem={within === undefined ? "This has to be a whole number." : undefined} value={amount} onChange={setAmount} />
        <SelectField label="Of" value={unit} choices={UNITS} onChange={setUnit} />
      </div>
      <p className="faint m-0 text-[13px]">{within === undefined ? "" : `A run ${sentenceOf(kind, showDuration(parseDuration(within)))}.`}</p>
    </Dialog>
  );
}
