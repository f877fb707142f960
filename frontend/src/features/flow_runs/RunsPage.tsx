/** All runs of a workspace, newest first; live, and narrowed by what the address says. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useQuery, useSubscription } from "urql";
import { RunEventsDocument, RunHistogramDocument, RunListDocument } from "@/generated/graphql";
import { filterOf, isNarrowed, type RunSearch } from "@/features/flow_runs/search";
import { RunFilters } from "@/features/flow_runs/RunFilters";
import { RunTable } from "@/features/flow_runs/RunTable";
import { useGathered } from "@/lib/live";
import { usePlace } from "@/lib/place";
import { isoDuration } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { dayAround, HOUR } from "@/ui/rail";
import { TimeRail } from "@/ui/TimeRail";

export function RunsPage() {
  const place = usePlace();
  const search = useSearch({ from: "/$organization/$workspace/runs" });
  const navigate = useNavigate({ from: "/$organization/$workspace/runs" });
  const onSearch = (next: RunSearch): void => void navigate({ search: next, replace: true });
  useTitle("Runs", place.workspace);
  const [window] = useState(() => dayAround(Date.now()));
  const filter = useMemo(() => filterOf(search), [search]);
  const [list, readList] = useQuery({ query: RunListDocument, variables: { ...place, filter } });
  const [histogram, readHistogram] = useQuery({
    query: RunHistogramDocument,
    variables: {
      ...place,
      from: new Date(window.from).toISOString(),
      to: new Date(window.to).toISOString(),
      bucket: isoDuration(HOUR),
    },
  });
  const again = useGathered(() => {
    readList({ requestPolicy: "network-only" });
    readHistogram({ requestPolicy: "network-only" });
  });
  const workspaceId = list.data?.workspace?.id;
  useSubscription(
    { query: RunEventsDocument, variables: { workspaceId: workspaceId ?? "" }, pause: !workspaceId },
    (_, update) => {
      if (update.workspaceEvents.events.length > 0 || update.workspaceEvents.gap) again();
      return update;
    },
  );
  const runs = list.data?.workspace?.flowRuns;
  const brush = search.from !== undefined && search.to !== undefined ? { from: search.from, to: search.to } : undefined;
  const onBrush = (piece: { from: number; to: number } | undefined): void => {
    const { from: _from, to: _to, ...rest } = search;
    onSearch(piece ? { ...rest, from: Math.round(piece.from), to: Math.round(piece.to) } : rest);
  };
  return (
    <>
      <PageHead title="Runs" />
      <TimeRail bins={histogram.data?.workspace?.runHistogram ?? []} window={window} binMs={HOUR} brush={brush} onBrush={onBrush} />
      <RunFilters search={search} onSearch={onSearch} count={runs?.totalCount} />
      {list.error && !runs && <ErrorState error={list.error} onRetry={() => readList({ requestPolicy: "network-only" })} />}
      {!runs && !list.error && <Skeleton rows={12} />}
      {runs && runs.nodes.length === 0 && <NoRuns isNarrowed={isNarrowed(search)} onClear={() => onSearch({})} />}
      {runs && runs.nodes.length > 0 && <RunTable runs={runs.nodes} place={place} />}
    </>
  );
}

function NoRuns({ isNarrowed, onClear }: { isNarrowed: boolean; onClear: () => void }) {
  if (isNarrowed) {
    return (
      <EmptyState title="No run matches these filters.">
        <button type="button" className="button" onClick={onClear}>Remove the filters</button>
      </EmptyState>
    );
  }
  return (
    <EmptyState title="Runs appear here as soon as a flow is called.">
      <code className="command">python my_flow.py</code>
    </EmptyState>
  );
}
