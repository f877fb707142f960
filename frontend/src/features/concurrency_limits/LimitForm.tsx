/** A limit to make or to change. */
import { useState } from "react";
import { type LimitRowFragment, LimitUpsertDocument } from "@/generated/graphql";
import { useEdited } from "@/lib/edited";
import { useWorkspaceId } from "@/lib/workspace";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/fields";
import { tell } from "@/ui/toasts";

export function LimitForm({ limit, onClose, onDone }: { limit: LimitRowFragment | undefined; onClose: () => void; onDone: () => void }) {
  const workspaceId = useWorkspaceId();
  const [name, setName] = useState<string>(limit?.name ?? "");
  const [slots, setSlots] = useState(String(limit?.limit ?? 1));
  const [tag, setTag] = useState(limit?.taskTag ?? "");
  const [decay, setDecay] = useState(String(limit?.slotDecayPerSecond ?? 0));
  const upsert = useAct(LimitUpsertDocument, { isQuiet: true });
  const edited = useEdited(limit);
  const isWhole = /^\d+$/.test(slots.trim());
  const isDecay = Number.isFinite(Number(decay)) && Number(decay) >= 0;
  const save = async (): Promise<void> => {
    if (workspaceId === undefined) return;
    const input = {
      workspaceId,
      name: name.trim(),
      limit: Number(slots),
      slotDecayPerSecond: Number(decay),
      taskTag: tag.trim() === "" ? null : tag.trim(),
      expectedVersion: edited.expectedVersion,
    };
    if (!(await upsert.act({ input }))) return;
    tell(limit ? "The limit is changed." : "The limit is made.");
    onClose();
    onDone();
  };
  const lacks = name.trim() === "" ? "It needs a name." : isWhole && isDecay ? undefined : "Look at the numbers.";
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={limit ? `Limit ${limit.name}` : "New limit"}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="FLOWS_WRITE" isBusy={upsert.isBusy} lacks={lacks} onClick={() => void save()}>{limit ? "Change the limit" : "Make the limit"}</Button>
        </>
      }
    >
      <Changed edited={edited} />
      {otherRefusals(upsert.refusals, limit ? ["taskTag"] : ["name", "taskTag"]).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      {!limit && <TextField label="Name" isRequired value={name} problem={refusalAt(upsert.refusals, "name")} onChange={setName} />}
      <div className="form-row">
        <TextField label="Slots" inputMode="numeric" className="num" problem={isWhole ? undefined : "This has to be a whole number."} hint="None at all with 0." value={slots} onChange={setSlots} />
        <TextField label="Come back, a second" inputMode="decimal" className="num" problem={isDecay ? undefined : "This is not a number of slots."} hint="For a rate: slots come back by themselves." value={decay} onChange={setDecay} />
      </div>
      <TextField label="Tag of tasks" hint="Every task with it takes a slot; otherwise only code that asks for one." value={tag} problem={refusalAt(upsert.refusals, "taskTag")} onChange={setTag} />
    </Dialog>
  );
}
