/** What a retry from failed would reuse and do again, before it is done. */
import { useQuery } from "urql";
import { type RerunReason, RunRetryDocument, RunRetryPreviewDocument } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { StateLabel } from "@/ui/StateLabel";
import { tell } from "@/ui/toasts";

const BECAUSE: Record<RerunReason, string> = {
  WHOLE_RUN: "everything is done again",
  CHOSEN: "chosen",
  NOT_COMPLETED: "did not complete",
  DOWNSTREAM: "depends on one that is done again",
  RESULT_NOT_KEPT: "its result was not kept",
  COMPLETED: "completed",
};

export function RetryFromFailed({ runId, onClose, onDone }: { runId: string; onClose: () => void; onDone: () => void }) {
  const [{ data, error }, read] = useQuery({ query: RunRetryPreviewDocument, variables: { id: runId }, requestPolicy: "network-only" });
  const retry = useAct(RunRetryDocument);
  const preview = data?.flowRun?.retryPreview;
  const act = async (): Promise<void> => {
    if (await retry.act({ input: { id: runId, fromFailed: true } })) tell("The run starts again from what failed.");
    onClose();
    onDone();
  };
  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title="Retry from failed"
      description={preview && `${preview.againCount.toLocaleString("en")} done again, ${preview.reusedCount.toLocaleString("en")} reused.`}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="RUNS_WRITE" isBusy={retry.isBusy} onClick={() => void act()}>Retry from failed</Button>
        </>
      }
    >
      {error && !preview && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
      {!preview && !error && <Skeleton rows={4} />}
      {preview && preview.tasks.length === 0 && <p className="m-0">It has no tasks: the flow itself is done again.</p>}
      {preview && preview.tasks.length > 0 && (
        <table className="table" aria-label="What is done again">
          <thead>
            <tr><th scope="col">Task run</th><th scope="col">Now</th><th scope="col">Then</th><th scope="col">Because</th></tr>
          </thead>
          <tbody>
            {preview.tasks.map(({ taskRun, reused, reason }) => (
              <tr key={taskRun.id}>
                <td>{taskRun.name}</td>
                <td><StateLabel type={taskRun.state.type} name={taskRun.state.name} /></td>
                <td>{reused ? <span className="faint">reused</span> : <strong>again</strong>}</td>
                <td className="faint">{BECAUSE[reason]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Dialog>
  );
}
