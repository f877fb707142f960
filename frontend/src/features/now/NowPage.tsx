/** What is going on in a workspace now: what runs, what needs somebody, what comes next. */
import { useState } from "react";
import { useQuery, useSubscription } from "urql";
import { NowDocument, NowEventsDocument } from "@/generated/graphql";
import { Counters } from "@/features/now/Counters";
import { Lanes } from "@/features/now/Lanes";
import { Pools } from "@/features/now/Pools";
import { useGathered } from "@/lib/live";
import { usePlace } from "@/lib/place";
import { isoDuration } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { dayAround, HOUR } from "@/ui/rail";
import { TimeRail } from "@/ui/TimeRail";

export function NowPage() {
  const place = usePlace();
  useTitle("Now", place.workspace);
  const [window] = useState(() => dayAround(Date.now()));
  const [{ data, error }, read] = useQuery({
    query: NowDocument,
    variables: {
      ...place,
      from: new Date(window.from).toISOString(),
      to: new Date(window.to).toISOString(),
      bucket: isoDuration(HOUR),
    },
  });
  const again = useGathered(() => read({ requestPolicy: "network-only" }));
  const workspace = data?.workspace;
  useSubscription(
    { query: NowEventsDocument, variables: { workspaceId: workspace?.id ?? "" }, pause: !workspace },
    (_, update) => {
      if (update.workspaceEvents.events.length > 0 || update.workspaceEvents.gap) again();
      return update;
    },
  );
  if (error && !workspace) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!workspace) return <Skeleton rows={10} />;
  return (
    <>
      <PageHead title="Now" />
      <TimeRail bins={workspace.runHistogram} window={window} binMs={HOUR} brush={undefined} onBrush={() => undefined} />
      <Counters bins={workspace.runHistogram} place={place} />
      <div className="grid grid-cols-2 max-lg:grid-cols-1">
        <Lanes title="Needs you" empty="Nothing needs you." runs={workspace.troubled.nodes} place={place} hasReason />
        <Lanes title="Running" empty="Nothing runs." runs={workspace.running.nodes} place={place} />
        <Lanes title="Next" empty="No run is scheduled." runs={workspace.next.nodes} place={place} />
        <Pools pools={workspace.workPools.nodes} />
      </div>
    </>
  );
}
