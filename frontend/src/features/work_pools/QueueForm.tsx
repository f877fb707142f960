/** A queue to make or to change. */
import { useState } from "react";
import { type QueueRowFragment, QueueUpsertDocument } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
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
  const isNumber = (text: string): boolean => text.trim() === "" || /^\d+$/.test(text.trim());
  const save = async (): Promise<void> => {
    const payload = await upsert.act({
      input: {
        workPoolId: poolId,
        name: name.trim(),
        concurrencyLimit: limit.trim() === "" ? null : Number(limit),
        ...(priority.trim() === "" ? {} : { priority: Number(priority) }),
        ...(queue ? { expectedVersion: queue.version } : {}),
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
      {upsert.refusals.map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      {!queue && <TextField label="Name" isRequired value={name} onChange={setName} />}
      <div className="form-row">
        <TextField label="Priority" inputMode="numeric" className="num" hint="The lowest number is served first." value={priority} onChange={setPriority} />
        <TextField label="At once" inputMode="numeric" className="num" hint="Any number, where it is left empty." value={limit} onChange={setLimit} />
      </div>
    </Dialog>
  );
}
