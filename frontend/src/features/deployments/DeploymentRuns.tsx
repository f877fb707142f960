/** The runs of a deployment, those to come first. */
import { DeploymentRunsDocument } from "@/generated/graphql";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { useWorkspaceId } from "@/lib/workspace";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { RunTable } from "@/ui/runs/RunTable";

export function DeploymentRuns({ id }: { id: string }) {
  const list = usePages("deployment runs", DeploymentRunsDocument, { id }, (data) => (data.node && "runs" in data.node ? data.node.runs : undefined));
  useChanges(useWorkspaceId(), ["flow_run"], list.again);
  if (list.error && !list.rows) return <ErrorState error={list.error} onRetry={list.again} />;
  if (!list.rows) return <Skeleton rows={8} />;
  if (list.rows.length === 0) return <EmptyState title="It has not run yet. Run it, or give it a schedule." />;
  return <RunTable name="deployment_runs" runs={list.rows} without={["flow", "deployment"]} hasMore={list.hasMore} onMore={list.more} />;
}
