/** The runs of a deployment, those to come first, and how long they took. */
import { useMemo } from "react";
import { useQuery } from "urql";
import { DeploymentDurationsDocument, DeploymentRunsDocument } from "@/generated/graphql";
import type { DeploymentSearch } from "@/features/deployments/search";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { timeFilter } from "@/lib/search";
import { useWorkspaceId } from "@/lib/workspace";
import { useHours } from "@/ui/clock";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { DurationRibbon } from "@/ui/ribbon/DurationRibbon";
import { fortnightUntil } from "@/ui/ribbon/ribbon";
import { RunRail } from "@/ui/RunRail";
import { RunTable } from "@/ui/runs/RunTable";

export interface DeploymentRunsProps {
  id: string;
  search: DeploymentSearch;
  onSearch: (search: DeploymentSearch) => void;
}

export function DeploymentRuns({ id, search, onSearch }: DeploymentRunsProps) {
  const { from: _from, to: _to, ...all } = search;
  const occurred = timeFilter(search);
  const filter = occurred ? { expectedStart: occurred } : null;
  const now = useHours();
  const window = useMemo(() => fortnightUntil(now), [now]);
  const [{ data }] = useQuery({ query: DeploymentDurationsDocument, variables: { id, ...window } });
  const list = usePages("deployment runs", DeploymentRunsDocument, { id, filter }, (found) => (found.node && "runs" in found.node ? found.node.runs : undefined));
  useChanges(useWorkspaceId(), ["flow_run"], list.again);
  if (list.error && !list.rows) return <ErrorState error={list.error} onRetry={list.again} />;
  if (!data || (!list.rows && !filter)) return <Skeleton rows={8} />;
  if (list.rows?.length === 0 && !filter) return <EmptyState title="It has not run yet. Run it, or give it a schedule." />;
  return (
    <>
      <RunRail filter={{ deployment: { id: { eq: id } } }} search={search} onPiece={(piece) => onSearch({ ...all, ...piece })} label="Its runs over time" />
      {data.node && "durationTrend" in data.node && <DurationRibbon buckets={data.node.durationTrend} />}
      {!list.rows && <Skeleton rows={8} />}
      {list.rows?.length === 0 && <NothingMatches what="run" onClear={() => onSearch(all)} />}
      {list.rows && list.rows.length > 0 && <RunTable name="deployment_runs" of={list.of} runs={list.rows} without={["flow", "deployment"]} hasMore={list.hasMore} onMore={list.more} />}
    </>
  );
}
