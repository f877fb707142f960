/** Saying how a run that has ended is to be known to have ended: it was mended elsewhere, or is worth nothing. */
import { useState } from "react";
import { RunMarkDocument, type StateType } from "@/generated/graphql";
import type { RunShown } from "@/features/flow_runs/RunPage";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { AreaField, SelectField } from "@/ui/fields";
import { tell } from "@/ui/toasts";

const LONGEST_REASON = 4_000;

const ENDS = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] as const satisfies readonly StateType[];
const WORDS: Record<(typeof ENDS)[number], string> = { COMPLETED: "Completed", FAILED: "Failed", CRASHED: "Crashed", CANCELLED: "Cancelled" };

export interface MarkRunProps {
  run: Pick<RunShown, "id" | "state">;
  onClose: () => void;
  onDone: () => void;
}

export function MarkRun({ run, onClose, onDone }: MarkRunProps) {
  // It stays what it was as the window was opened: who else corrects it meanwhile is not written over.
  const [seen] = useState(run.state);
  const choices = ENDS.filter((each) => each !== seen.type);
  const [end, setEnd] = useState(choices[0] ?? "COMPLETED");
  const [reason, setReason] = useState("");
  const mark = useAct(RunMarkDocument, { isQuiet: true });
  const said = reason.trim();
  const lacks = said === "" ? "Say why first." : said.length > LONGEST_REASON ? "The reason is longer than 4,000 characters." : undefined;
  const act = async (): Promise<void> => {
    if (!(await mark.act({ input: { id: run.id, state: { type: end }, force: true, reason: said, expectedSequence: seen.sequence } }))) return;
    tell(`The run is marked as ${WORDS[end].toLowerCase()}.`);
    onClose();
    onDone();
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Mark this run"
      description={`It ended as ${seen.name}, and its history keeps that. When it ended, its tasks and what it left stay as they are.`}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="RUNS_WRITE" isBusy={mark.isBusy} lacks={lacks} onClick={() => void act()}>{`Mark as ${WORDS[end].toLowerCase()}`}</Button>
        </>
      }
    >
      {otherRefusals(mark.refusals, ["reason"]).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <SelectField
        label="Mark as"
        value={end}
        choices={choices.map((value) => ({ value, label: WORDS[value] }))}
        hint="It is counted as this from now on, also by its backfill, and by promises of completed runs."
        onChange={setEnd}
      />
      <AreaField label="Why" isRequired hint="Kept in its history and in the audit log." value={reason} onChange={setReason} problem={refusalAt(mark.refusals, "reason")} />
    </Dialog>
  );
}
