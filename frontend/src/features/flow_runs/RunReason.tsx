/** Why a run stands as it does: what it says, what it waits for, and what would end that. */
import type { RunShown } from "@/features/flow_runs/RunPage";
import { WhyNotRunning } from "@/features/flow_runs/WhyNotRunning";
import { showDuration, parseDuration } from "@/lib/time";
import { Crumb } from "@/ui/Crumb";
import { Time } from "@/ui/Time";

const LATE_BECAUSE = {
  CONTROL_PLANE: "Headgate itself was late to hand it out.",
  NO_AGENT: "No agent was there to take it.",
  LIMIT: "A limit kept it back.",
  PAUSED: "It was held back by a pause.",
} as const;

/** Whether a person asked for a pause, and not the run's own code: then there is nothing to answer. */
const isOutside = (key: string): boolean => key.startsWith("outside:");

export function RunReason({ run }: { run: RunShown }) {
  const isWaiting = run.state.type === "SCHEDULED" || run.state.type === "PENDING" || run.state.type === "PAUSED";
  return (
    <>
      {run.state.message && <p className="m-0 text-[13px] wrap-anywhere">{run.state.message}</p>}
      {run.cancelRequestedAt && run.state.type === "CANCELLING" && (
        <p className="faint m-0 text-[13px]">Asked to end <Time at={run.cancelRequestedAt} isRelative />.</p>
      )}
      {run.unresponsiveSince && (
        <p className="m-0 text-[13px]">Its process has not been heard of since <Time at={run.unresponsiveSince} />.</p>
      )}
      {run.lateness && run.lateCause && parseDuration(run.lateness) > 0 && (
        <p className="m-0 text-[13px]">{`${showDuration(parseDuration(run.lateness))} late. ${LATE_BECAUSE[run.lateCause]}`}</p>
      )}
      {run.failureGroup && (
        <p className="m-0 text-[13px]">
          <Crumb to={`/failures/${run.failureGroup.id}`}>{run.failureGroup.exceptionType}</Crumb>
          {` in ${run.failureGroup.runCount.toLocaleString("en")} ${run.failureGroup.runCount === 1 ? "run" : "runs"}`}
        </p>
      )}
      {run.pause?.status === "WAITING" && !isOutside(run.pause.key) && (
        <p className="m-0 text-[13px]">It waits for an answer. <Crumb to="/approvals" search={{ run: run.id }}>Answer it</Crumb></p>
      )}
      {isWaiting && <WhyNotRunning runId={run.id} stateId={run.state.id} />}
    </>
  );
}
