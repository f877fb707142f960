/** What a retry reuses and does again, task run by task run, before it is done. */
import type { RerunReason, RunRetryPreviewQuery } from "@/generated/graphql";
import { StateLabel } from "@/ui/StateLabel";

export type RetryPreview = NonNullable<RunRetryPreviewQuery["flowRun"]>["retryPreview"];

const BECAUSE: Record<RerunReason, string> = {
  WHOLE_RUN: "everything is done again",
  CHOSEN: "chosen",
  NOT_COMPLETED: "did not complete",
  DOWNSTREAM: "depends on one that is done again",
  RESULT_NOT_KEPT: "its result was not kept",
  COMPLETED: "completed",
};

export interface RetryPlanProps {
  preview: RetryPreview;
  /** Where task runs are chosen: which of them are, and what is done when that changes. */
  chosen?: readonly string[] | undefined;
  onChosen?: (chosen: string[]) => void;
}

/** How many of its task runs are done again, in words, and of how many that is not known. */
export function extentOf({ againCount, reusedCount, leftOutCount }: Pick<RetryPreview, "againCount" | "reusedCount" | "leftOutCount">): string {
  if (againCount + reusedCount + leftOutCount === 0) return "It has no tasks: the flow itself is done again.";
  const again = againCount === 1 ? "1 task run is" : `${againCount === 0 ? "No" : againCount.toLocaleString("en")} task runs are`;
  const reused = reusedCount === 0 ? "none is" : reusedCount === 1 ? "1 is" : `${reusedCount.toLocaleString("en")} are`;
  const rest = leftOutCount === 0 ? "" : ` ${leftOutCount.toLocaleString("en")} more ${leftOutCount === 1 ? "is" : "are"} left out: what becomes of ${leftOutCount === 1 ? "it" : "them"} is seen as the run starts again.`;
  return `${again} done again, ${reused} reused.${rest}`;
}

export function RetryPlan({ preview, chosen, onChosen }: RetryPlanProps) {
  const total = preview.againCount + preview.reusedCount + preview.leftOutCount;
  if (preview.tasks.length === 0) return null;
  const isOpen = chosen?.length === 0;
  const toggle = (id: string): void => onChosen?.(chosen?.includes(id) ? chosen.filter((each) => each !== id) : [...(chosen ?? []), id]);
  return (
    <>
      <div className="dialog-table" role="region" aria-label="Task runs" tabIndex={0}>
        <table className="table is-prose" aria-label="What is done again">
          <thead>
            <tr>{chosen && <th scope="col">From</th>}<th scope="col">Task run</th><th scope="col">Now</th><th scope="col">Then</th><th scope="col">Because</th></tr>
          </thead>
          <tbody>
            {preview.tasks.map(({ taskRun, reused, reason }) => (
              <tr key={taskRun.id}>
                {chosen && <td><input type="checkbox" aria-label={`From ${taskRun.name}`} checked={chosen.includes(taskRun.id)} onChange={() => toggle(taskRun.id)} /></td>}
                <td>{taskRun.name}</td>
                <td><StateLabel type={taskRun.state.type} name={taskRun.state.name} /></td>
                <td><span className={reused || isOpen ? "faint whitespace-nowrap" : "font-bold whitespace-nowrap"}>{isOpen ? "–" : reused ? "reused" : "again"}</span></td>
                <td className="faint">{isOpen ? "–" : BECAUSE[reason]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {total > preview.tasks.length && <p className="faint m-0 text-[13px]">{`The first ${preview.tasks.length.toLocaleString("en")} of ${total.toLocaleString("en")} task runs.`}</p>}
    </>
  );
}
