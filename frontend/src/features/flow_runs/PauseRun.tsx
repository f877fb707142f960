/** Asking a run that runs to wait before its next task, with its process or without. */
import { useState } from "react";
import { RunPauseDocument } from "@/generated/graphql";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextField } from "@/ui/fields";
import { tell } from "@/ui/toasts";

const LONGEST_REASON = 4_000;

type How = "pause" | "suspend";

const HINTS: Record<How, string> = {
  pause: "Its process stays, keeps its place with the agent, and goes on where it waits.",
  suspend: "Its process ends and its place is free. Resumed, the run starts from its beginning; tasks that finished are not done again.",
};

export interface PauseRunProps {
  runId: string;
  /** Only a run of a deployment can be started again, and so be suspended. */
  hasDeployment: boolean;
  onClose: () => void;
  onDone: () => void;
}

export function PauseRun({ runId, hasDeployment, onClose, onDone }: PauseRunProps) {
  const [how, setHow] = useState<How>("pause");
  const [reason, setReason] = useState("");
  const pause = useAct(RunPauseDocument, { isQuiet: true });
  const ask = async (): Promise<void> => {
    const said = reason.trim();
    if (!(await pause.act({ input: { id: runId, suspend: how === "suspend", ...(said === "" ? {} : { reason: said }) } }))) return;
    // Nothing is offered to take it back: by then the run may ask something of its own, which that would answer.
    tell(how === "pause" ? "The run is asked to pause before its next task." : "The run is asked to be suspended before its next task.");
    onClose();
    onDone();
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Pause this run"
      description="What it does now goes on to its end; before its next task it waits until somebody resumes it."
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="RUNS_WRITE" isBusy={pause.isBusy} lacks={reason.length > LONGEST_REASON ? "The reason is longer than 4,000 characters." : undefined} onClick={() => void ask()}>
            {how === "pause" ? "Pause the run" : "Suspend the run"}
          </Button>
        </>
      }
    >
      {otherRefusals(pause.refusals, ["suspend", "reason"]).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <SelectField
        label="How"
        value={how}
        choices={[{ value: "pause", label: "Pause: its process waits" }, ...(hasDeployment ? [{ value: "suspend", label: "Suspend: its process ends" } as const] : [])]}
        hint={HINTS[how]}
        problem={refusalAt(pause.refusals, "suspend")}
        onChange={setHow}
      />
      <TextField label="Why" hint="Shown to whoever resumes it, and kept in the audit log." value={reason} onChange={setReason} problem={refusalAt(pause.refusals, "reason")} />
    </Dialog>
  );
}
