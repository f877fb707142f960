/** Since when a run runs, or ran; of one that waits to run, also again, when that is expected. */
import type { RunShown } from "@/features/flow_runs/RunPage";
import { isToCome } from "@/ui/states";
import { Duration, Time } from "@/ui/Time";

export type RunTimes = Pick<RunShown, "startedAt" | "endedAt" | "expectedStart" | "duration"> & { state: { type: string } };

export function RunWhen({ run: { state, startedAt, endedAt, expectedStart, duration } }: { run: RunTimes }) {
  if (startedAt && !isToCome(state.type)) {
    return (
      <>
        <span>Started <Time at={startedAt} /></span>
        <span>for <Duration length={duration} startedAt={startedAt} endedAt={endedAt} /></span>
      </>
    );
  }
  return (
    <>
      <span>Expected <Time at={expectedStart} /></span>
      <span><Time at={expectedStart} isRelative /></span>
      {startedAt && <span className="faint">first started <Time at={startedAt} /></span>}
    </>
  );
}
