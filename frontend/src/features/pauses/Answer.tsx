/** The form that answers a run. */
import { useState } from "react";
import { type ApprovalsQuery, PauseAnswerDocument } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { AreaField } from "@/ui/fields";
import { refusedAt } from "@/ui/schema/problems";
import { SchemaForm } from "@/ui/schema/SchemaForm";
import { asSchema } from "@/ui/schema/schemas";
import { useSchemaForm } from "@/ui/schema/useSchemaForm";
import { tell } from "@/ui/toasts";

export type Waiting = NonNullable<ApprovalsQuery["workspace"]>["pauses"]["nodes"][number];

export function Answer({ pause, onDone }: { pause: Waiting; onDone: () => void }) {
  const hasForm = pause.schema !== null && pause.schema !== undefined;
  const form = useSchemaForm(asSchema(pause.schema), pause.initial);
  const [reason, setReason] = useState("");
  const [isAsked, setAsked] = useState(false);
  const { act, isBusy, refusals } = useAct(PauseAnswerDocument, { isQuiet: true });
  const answer = async (isNo: boolean): Promise<void> => {
    setAsked(!isNo);
    if (!isNo && hasForm && form.problems.size > 0) return;
    const input = {
      id: pause.runId,
      pauseKey: pause.key,
      pausedAt: pause.createdAt,
      reject: isNo,
      ...(reason === "" ? {} : { reason }),
      ...(!isNo && hasForm ? { input: form.value } : {}),
    };
    if (!(await act({ input }))) return;
    tell(isNo ? "The answer is no." : "The run goes on.");
    onDone();
  };
  return (
    <section className="approval-form" aria-label={`Answer ${pause.run?.name ?? pause.runId}`}>
      {refusals.filter(({ path }) => path?.[0] !== "input").map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      {hasForm && <SchemaForm form={form} label="Answer" isAsked={isAsked} refused={refusedAt(refusals, "input")} />}
      <AreaField label="Why" hint="Kept in the audit log." rows={2} className="min-h-0" value={reason} onChange={setReason} />
      <span className="flex gap-2">
        <Button isPrimary needs="RUNS_WRITE" isBusy={isBusy} onClick={() => void answer(false)}>{hasForm ? "Answer" : "Approve"}</Button>
        <Button isDanger needs="RUNS_WRITE" isBusy={isBusy} onClick={() => void answer(true)}>Say no</Button>
      </span>
    </section>
  );
}
