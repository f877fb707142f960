/** Asking an agent to take nothing more, and to end with the last run that it holds. */
import { useState } from "react";
import { AgentDrainDocument } from "@/generated/graphql";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/fields";
import { tell } from "@/ui/toasts";

export interface DrainAgentProps {
  agent: { id: string; name: string; inFlight: number };
  onClose: () => void;
  onDone: () => void;
}

export function DrainAgent({ agent, onClose, onDone }: DrainAgentProps) {
  const [until, setUntil] = useState("");
  const [reason, setReason] = useState("");
  const drain = useAct(AgentDrainDocument, { isQuiet: true });
  const deadline = until === "" ? undefined : new Date(until);
  const isTime = deadline === undefined || !Number.isNaN(deadline.getTime());
  const said = reason.trim();
  const act = async (): Promise<void> => {
    if (!(await drain.act({ input: { id: agent.id, ...(deadline ? { deadline: deadline.toISOString() } : {}), ...(said === "" ? {} : { reason: said }) } }))) return;
    tell(`${agent.name} takes nothing more.`);
    onClose();
    onDone();
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Drain ${agent.name}`}
      description={`Nothing is offered to it any more. ${heldOf(agent.inFlight)} Its process ends then; started again, it takes runs again.`}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="POOLS_WRITE" isBusy={drain.isBusy} lacks={isTime ? undefined : "The deadline is no time."} onClick={() => void act()}>Drain the agent</Button>
        </>
      }
    >
      {otherRefusals(drain.refusals, ["deadline", "reason"]).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <TextField label="Done by" type="datetime-local" hint="Told to whoever looks at the agent; nothing is ended then. In the time of this browser." problem={refusalAt(drain.refusals, "deadline")} value={until} onChange={setUntil} />
      <TextField label="Why" hint="Shown with the agent, and kept in the audit log." problem={refusalAt(drain.refusals, "reason")} value={reason} onChange={setReason} />
    </Dialog>
  );
}

function heldOf(count: number): string {
  if (count === 0) return "It holds no run.";
  return count === 1 ? "The run that it holds goes on to its end." : `The ${count} runs that it holds go on to their end.`;
}
