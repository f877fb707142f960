/** Runs for a stretch of the past, or for many parameters: planned first, then made a few at a time. */
import { useState } from "react";
import { BackfillCancelDocument, BackfillPauseDocument, BackfillRetryDocument, type BackfillRowFragment, BackfillsDocument, type DeploymentDetailFragment } from "@/generated/graphql";
import { BackfillForm } from "@/features/deployments/BackfillForm";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { StateLabel } from "@/ui/StateLabel";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

const LOOKS = {
  RUNNING: { type: "RUNNING", name: "Running" },
  PAUSED: { type: "PAUSED", name: "Paused" },
  COMPLETED: { type: "COMPLETED", name: "Completed" },
  FAILED: { type: "FAILED", name: "Failed" },
  CANCELLED: { type: "CANCELLED", name: "Cancelled" },
} as const;

export function Backfills({ deployment }: { deployment: DeploymentDetailFragment }) {
  const [isNew, setNew] = useState(false);
  const list = usePages("backfills", BackfillsDocument, { id: deployment.id }, (data) => (data.node && "backfills" in data.node ? data.node.backfills : undefined));
  useChanges(useWorkspaceId(), ["backfill", "flow_run"], list.again);
  const add = <Button needs="RUNS_WRITE" onClick={() => setNew(true)}>Plan a backfill…</Button>;
  return (
    <>
      {list.error && !list.rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!list.rows && !list.error && <Skeleton rows={4} />}
      {list.rows?.length === 0 && <EmptyState title="A backfill makes the runs that a stretch of the past should have had.">{add}</EmptyState>}
      {list.rows && list.rows.length > 0 && (
        <>
          <table className="table" aria-label="Backfills">
            <thead>
              <tr><th scope="col">State</th><th scope="col">Backfill</th><th scope="col">Progress</th><th scope="col">Made</th><th scope="col"><span className="sr-only">What can be done</span></th></tr>
            </thead>
            <tbody>{list.rows.map((row) => <Row key={row.id} row={row} onDone={list.again} />)}</tbody>
          </table>
          <div className="p-(--pad)">{add}</div>
        </>
      )}
      {isNew && <BackfillForm deployment={deployment} onClose={() => setNew(false)} onDone={list.again} />}
    </>
  );
}

function Row({ row, onDone }: { row: BackfillRowFragment; onDone: () => void }) {
  const pause = useAct(BackfillPauseDocument);
  const cancel = useAct(BackfillCancelDocument);
  const retry = useAct(BackfillRetryDocument);
  const isOpen = row.status === "RUNNING" || row.status === "PAUSED";
  const ended = row.counts.find(({ status }) => status === "ENDED")?.count ?? 0;
  const refused = row.counts.find(({ status }) => status === "REFUSED")?.count ?? 0;
  const isPaused = row.status === "PAUSED";
  return (
    <tr>
      <td><StateLabel {...LOOKS[row.status]} /></td>
      <td>{row.name}</td>
      <td>
        <span className="flex items-center gap-2">
          <progress className="progress" max={row.itemCount} value={ended + refused} aria-label={`Progress of ${row.name}`} />
          <span className="num">{`${ended} of ${row.itemCount}`}{refused > 0 && `, ${refused} refused`}</span>
        </span>
      </td>
      <td><Time at={row.createdAt} /></td>
      <td className="is-number">
        {row.status === "FAILED" && (
          <Button className="is-small" needs="RUNS_WRITE" isBusy={retry.isBusy} onClick={() => void retry.act({ input: { id: row.id } }).then(onDone)}>Run the failed again</Button>
        )}
        {isOpen && (
          <span className="inline-flex gap-2">
            <Button className="is-small" needs="RUNS_WRITE" isBusy={pause.isBusy} onClick={() => void pause.act({ input: { id: row.id, paused: !isPaused } }).then(onDone)}>{isPaused ? "Resume" : "Pause"}</Button>
            <ConfirmButton
              label="Cancel…"
              title={`Cancel ${row.name}?`}
              verb="Cancel the backfill"
              needs="RUNS_WRITE"
              onConfirm={async () => {
                if (await cancel.act({ input: { id: row.id, cancelRuns: true } })) tell("The backfill is cancelled.");
                onDone();
              }}
            >
              It makes no further runs, and those that it has made and that have not ended are cancelled.
            </ConfirmButton>
          </span>
        )}
      </td>
    </tr>
  );
}
