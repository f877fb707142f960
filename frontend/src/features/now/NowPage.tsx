/** What is going on in a workspace now: what needs somebody, what runs, what comes next. */
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useQuery } from "urql";
import { NowDocument } from "@/generated/graphql";
import { Counters } from "@/features/now/Counters";
import { Lanes } from "@/features/now/Lanes";
import { Needs } from "@/features/now/Needs";
import { Pools } from "@/features/now/Pools";
import { useChanges } from "@/lib/changes";
import { usePlace } from "@/lib/place";
import { isoDuration } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { useHours } from "@/ui/clock";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { dayAround, HOUR, type Window } from "@/ui/rail";
import { TimeRail } from "@/ui/TimeRail";

export function NowPage() {
  const { organization, workspace: slug } = usePlace();
  useTitle("Now", slug);
  const now = useHours();
  const window = useMemo(() => dayAround(now), [now]);
  const [{ data, error }, read] = useQuery({
    query: NowDocument,
    variables: {
      organization,
      workspace: slug,
      from: new Date(window.from).toISOString(),
      to: new Date(window.to).toISOString(),
      bucket: isoDuration(HOUR),
    },
  });
  const navigate = useNavigate();
  const onBrush = (piece: Window | undefined): void => {
    if (piece) void navigate({ to: "/$organization/$workspace/runs", params: { organization, workspace: slug }, search: { from: Math.round(piece.from), to: Math.round(piece.to) } });
  };
  const again = (): void => read({ requestPolicy: "network-only" });
  const workspace = data?.workspace;
  useChanges(workspace?.id, ["flow_run", "agent", "work_pool", "failure_group"], again);
  if (error && !workspace) return <ErrorState error={error} onRetry={again} />;
  if (!workspace) return <Skeleton rows={10} />;
  return (
    <>
      <PageHead title="Now" />
      <TimeRail bins={workspace.runHistogram} window={window} binMs={HOUR} brush={undefined} onBrush={onBrush} />
      <Counters counts={workspace.counts} until={window.to} place={{ organization, workspace: slug }} />
      <div className="now">
        <Needs workspace={workspace} />
        <Lanes title="Running" empty="Nothing runs." runs={workspace.running.nodes} />
        <Lanes title="Failed of late" empty="Nothing has failed in this day." runs={workspace.failed.nodes} hasReason />
        <Lanes title="Next" empty="No run is scheduled." runs={workspace.next.nodes} />
        <Pools pools={workspace.workPools.nodes} />
      </div>
    </>
  );
}
