/** What can be done with a run now. */
import { useState } from "react";
import { useMutation } from "urql";
import { RunCancelDocument, RunRetryDocument } from "@/generated/graphql";
import { hasEnded } from "@/ui/states";

const RETRIABLE = new Set(["FAILED", "CRASHED", "CANCELLED", "COMPLETED"]);

export function RunActions({ run }: { run: { id: string; state: { type: string } } }) {
  const [, cancel] = useMutation(RunCancelDocument);
  const [, retry] = useMutation(RunRetryDocument);
  const [told, setTold] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const act = async (name: "cancel" | "retry"): Promise<void> => {
    setBusy(true);
    const input = { id: run.id };
    const answer = name === "cancel" ? (await cancel({ input })) : (await retry({ input }));
    setBusy(false);
    const data = answer.data;
    const payload = data && ("flowRunCancel" in data ? data.flowRunCancel : data.flowRunRetry);
    setTold(answer.error?.message ?? payload?.errors[0]?.message);
  };
  const isOver = hasEnded(run.state.type);
  return (
    <span className="ml-auto flex items-center gap-2">
      {told && <span role="alert" className="text-[13px]">{told}</span>}
      {!isOver && (
        <button type="button" className="button" disabled={isBusy || run.state.type === "CANCELLING"} onClick={() => act("cancel")}>
          Cancel
        </button>
      )}
      {RETRIABLE.has(run.state.type) && (
        <button type="button" className="button is-primary" disabled={isBusy} onClick={() => act("retry")}>
          Retry
        </button>
      )}
    </span>
  );
}
