/** What a run waits for, as it is now: causes go, others come, and the run moves up in its queue. */
import { useEffect, useRef } from "react";
import { useQuery } from "urql";
import { RunWhyDocument } from "@/generated/graphql";
import { useChanges } from "@/lib/changes";
import { useAt } from "@/lib/live";
import { useWorkspaceId } from "@/lib/workspace";
import { Blockers } from "@/ui/Blockers";

/** What may hold a run back, or be before it. */
const KINDS = ["flow_run", "deployment", "schedule", "work_pool", "work_queue", "agent", "concurrency_limit"];

/** The first instant after ``now`` at which one of the causes goes by itself. */
export function nextInstant(blockers: readonly { expectedStart?: string | null | undefined }[], now: number): number | undefined {
  const times = blockers.flatMap(({ expectedStart }) => (expectedStart ? [Date.parse(expectedStart)] : [])).filter((at) => at > now);
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** Asked for again whenever something happens to what may hold it back, when a cause goes by itself, and in another state. */
export function WhyNotRunning({ runId, stateId }: { runId: string; stateId: string }) {
  const [{ data }, read] = useQuery({ query: RunWhyDocument, variables: { id: runId }, requestPolicy: "network-only" });
  const again = (): void => read({ requestPolicy: "network-only" });
  const blockers = data?.flowRun?.id === runId ? (data.flowRun.whyNotRunning ?? []) : [];
  const known = useRef(stateId);
  useEffect(() => {
    if (known.current !== stateId) read({ requestPolicy: "network-only" });
    known.current = stateId;
  }, [read, stateId]);
  useChanges(useWorkspaceId(), KINDS, again);
  useAt(nextInstant(blockers, Date.now()), again);
  if (blockers.length === 0) return null;
  return <Blockers blockers={blockers} onDone={again} />;
}
