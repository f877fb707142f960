/** A queue to make or to change. */
import { useState } from "react";
import { type QueueRowFragment, QueueUpsertDocument } from "@/generated/graphql";
import { useEdited } from "@/lib/edited";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/fields";
import { tell } from "@/ui/toasts";

export interface QueueFormProps {
  poolId: string;
  queue: QueueRowFragment | undefined;
  onClose: () => void;
  onDone: () => void;
}

export function QueueForm({ poolId, queue, onClose, onDone }: QueueFormProps) {
  const [name, setName] = useState(queue?.name ?? "");
  const [priority, setPriority] = useState(queue?.priority.toString() ?? "");
  const [limit, setLimit] = useState(queue?.concurrencyLimit?.toString() ?? "");
  const upsert = useAct(QueueUpsertDocument, { isQuiet: true });
  const edited = useEdited(queue);
  const isNumber = (text: string): boolean => text.trim() === "" || /^\d+$/.test(text.trim());
  const save = async (): Promise<void> => {
    const payload = await upsert.act({
      input: {
        workPoolId: poolId,
        name: name.trim(),
        concurrencyLimit: limit.trim() === "" ? null : Number(limit),
        ...(priority.trim() === "" ? {} : { priority: Number(priority) }),
        expectedVersion: edited.expectedVersion,
      },
    });
    if (!payload) return;
    tell(queue ? "The queue is changed." : "The queue is made.");
    onClose();
    onDone();
  };
  const lacks = name.trim() === "" ? "It needs a name." : isNumber(priority) && isNumber(limit) ? undefined : "Numbers are whole.";
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={queue ? `Queue ${queue.name}` : "New queue"}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="POOLS_WRITE" isBusy={upsert.isBusy} lacks={lacks} onClick={() => void save()}>{queue ? "Change the queue" : "Make the queue"}</Button>
        </>
      }
    >
      <Changed edited={edited} />
      {otherRefusals(upsert.refusals, queue ? [] : ["name"]).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      {!queue && <TextField label="Name" isRequired value={name} problem={refusalAt(upsert.refusals, "name")} onChange={setName} />}
      <div className="form-row">
        <TextField label="Priority" inputMode="numeric" className="num" hint="The lowest number is served first." value={priority} onChange={setPriority} />
        <TextField label="At once" inputMode="numeric" className="num" hint="Any number, where it is left empty." value={limit} onChange={setLimit} />
      </div>
    </Dialog>
  );
}
