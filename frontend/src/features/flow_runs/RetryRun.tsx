/** A retry as somebody wants it: how much of it, and with which parameters, with what that reuses. */
import { useState } from "react";
import { useQuery } from "urql";
import { RunAgainFormDocument, type RunAgainFormQuery, RunRetryDocument, RunRetryPreviewDocument } from "@/generated/graphql";
import { overlayOf } from "@/ui/schema/overlay";
import { extentOf, RetryPlan } from "@/features/flow_runs/RetryPlan";
import { otherRefusals, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { SelectField } from "@/ui/fields";
import { refusedAt } from "@/ui/schema/problems";
import { SchemaForm } from "@/ui/schema/SchemaForm";
import { asSchema } from "@/ui/schema/schemas";
import { useSchemaForm } from "@/ui/schema/useSchemaForm";
import { tell } from "@/ui/toasts";

export type Extent = "failed" | "whole" | "chosen";

const VERBS: Record<Extent, string> = { failed: "Retry from failed", whole: "Retry the run", chosen: "Retry from these" };
const TOLD: Record<Extent, string> = { failed: "The run starts again from what failed.", whole: "The run starts again.", chosen: "The run starts again from what you chose." };
const MOST_CHOSEN = 1_000;

export interface RetryRunProps {
  runId: string;
  /** Whether anything in it did not complete. */
  isUnwell: boolean;
  first: Extent;
  /** Whether it is for its parameters that one asks. */
  hasParameters: boolean;
  onClose: () => void;
  onDone: () => void;
}

export function RetryRun(props: RetryRunProps) {
  const [{ data, error }, read] = useQuery({ query: RunAgainFormDocument, variables: { id: props.runId }, requestPolicy: "network-only" });
  if (data?.flowRun) return <Form run={data.flowRun} {...props} />;
  return (
    <Dialog isOpen isWide onClose={props.onClose} title={titleOf(props.hasParameters)}>
      {error ? <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} /> : <Skeleton rows={4} />}
    </Dialog>
  );
}

function titleOf(hasParameters: boolean): string {
  return hasParameters ? "Retry this run" : "Retry from failed";
}

function Form({ run, runId, isUnwell, first, hasParameters, onClose, onDone }: RetryRunProps & { run: NonNullable<RunAgainFormQuery["flowRun"]> }) {
  const [extent, setExtent] = useState(first);
  const [chosen, setChosen] = useState<string[]>([]);
  const [isAsked, setAsked] = useState(false);
  const form = useSchemaForm(asSchema(run.deployment?.parameterSchema ?? { type: "object" }), run.parameters);
  const [began] = useState(() => form.value);
  const variables = { id: runId, fromFailed: extent === "failed", tasks: extent === "chosen" && chosen.length > 0 ? chosen : null };
  const [{ data, error }, read] = useQuery({ query: RunRetryPreviewDocument, variables, requestPolicy: "cache-and-network" });
  const retry = useAct(RunRetryDocument, { isQuiet: true });
  const preview = data?.flowRun?.retryPreview;
  const { parameters, gone } = overlayOf(began, form.value);
  const isChanged = parameters !== undefined || gone.length > 0 || form.broken !== undefined;
  const lacks = extent === "chosen" && chosen.length === 0 ? "Choose from where first." : chosen.length > MOST_CHOSEN ? "Choose 1,000 at most." : undefined;
  const act = async (): Promise<void> => {
    setAsked(true);
    if (gone.length > 0 || (isChanged && form.problems.size > 0)) return;
    const what = extent === "failed" ? { fromFailed: true } : extent === "chosen" ? { fromTaskRunIds: chosen } : {};
    if (!(await retry.act({ input: { id: runId, ...what, ...(parameters ? { parameters } : {}) } }))) return;
    tell(TOLD[extent]);
    onClose();
    onDone();
  };
  const choices = (["failed", "whole", "chosen"] as const).filter((each) => (each === "failed" ? isUnwell : each === "whole" || preview?.tasks.length !== 0));
  const labels: Record<Extent, string> = { failed: "What failed, and what depends on it", whole: "The whole run", chosen: "From chosen task runs on" };
  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title={titleOf(hasParameters)}
      description={preview && (lacks ?? extentOf(preview))}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="RUNS_WRITE" lacks={lacks} isBusy={retry.isBusy} onClick={() => void act()}>{VERBS[extent]}</Button>
        </>
      }
    >
      {otherRefusals(retry.refusals, ["parameters"]).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <SelectField label="How much of it" value={extent} choices={choices.map((value) => ({ value, label: labels[value] }))} onChange={setExtent} />
      {error && !preview && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
      {!preview && !error && <Skeleton rows={4} />}
      {preview && <RetryPlan preview={preview} {...(extent === "chosen" ? { chosen, onChosen: setChosen } : {})} />}
      <details open={hasParameters || isChanged}>
        <summary className="cursor-pointer text-[13px]">{isChanged ? "Parameters (changed)" : "Parameters"}</summary>
        <div className="mt-3 grid gap-2">
          {isChanged && <p className="notice m-0">With other parameters it asks again at every pause. What is reused was made with those before.</p>}
          {isAsked && gone.length > 0 && <p role="alert" className="field-problem">{`${gone.join(", ")}: a retry can change a parameter, but not take it away. Run it again for that.`}</p>}
          <SchemaForm form={form} label="Parameters" isAsked={isAsked && isChanged} refused={refusedAt(retry.refusals, "parameters")} />
        </div>
      </details>
    </Dialog>
  );
}
