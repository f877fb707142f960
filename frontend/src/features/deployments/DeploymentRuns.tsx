/** The runs of a deployment, those to come first, and how long they took. */
import { useMemo } from "react";
import { useQuery } from "urql";
import { DeploymentDurationsDocument, DeploymentRunsDocument } from "@/generated/graphql";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { useWorkspaceId } from "@/lib/workspace";
import { useHours } from "@/ui/clock";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { DurationRibbon } from "@/ui/ribbon/DurationRibbon";
import { fortnightUntil } from "@/ui/ribbon/ribbon";
import { RunTable } from "@/ui/runs/RunTable";

export function DeploymentRuns({ id }: { id: string }) {
  const now = useHours();
  const window = useMemo(() => fortnightUntil(now), [now]);
  const [{ data }] = useQuery({ query: DeploymentDurationsDocument, variables: { id, ...window } });
  const list = usePages("deployment runs", DeploymentRunsDocument, { id }, (found) => (found.node && "runs" in found.node ? found.node.runs : undefined));
  useChanges(useWorkspaceId(), ["flow_run"], list.again);
  if (list.error && !list.rows) return <ErrorState error={list.error} onRetry={list.again} />;
  if (!list.rows || !data) return <Skeleton rows={8} />;
  if (list.rows.length === 0) return <EmptyState title="It has not run yet. Run it, or give it a schedule." />;
  return (
    <>
      {data.node && "durationTrend" in data.node && <DurationRibbon buckets={data.node.durationTrend} />}
      <RunTable name="deployment_runs" runs={list.rows} without={["flow", "deployment"]} hasMore={list.hasMore} onMore={list.more} />
    </>
  );
}
