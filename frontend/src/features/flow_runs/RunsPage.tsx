/** All runs of a workspace, newest first; live, and narrowed by what the address says. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { RunHistogramDocument, RunListDocument } from "@/generated/graphql";
import { histogramAsked, listAsked, ORDERS } from "@/features/flow_runs/asked";
import { RunFilters } from "@/features/flow_runs/RunFilters";
import { RunPeek } from "@/features/flow_runs/RunPeek";
import { RunTable } from "@/ui/runs/RunTable";
import { RunsActions } from "@/features/flow_runs/RunsActions";
import { isNarrowed, type RunSearch } from "@/features/flow_runs/search";
import { useReadQuery } from "@/lib/ahead";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { useHours } from "@/ui/clock";
import { Command } from "@/ui/Copy";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { dayAround, HOUR } from "@/ui/rail";
import { TimeRail } from "@/ui/TimeRail";

const NONE: ReadonlySet<string> = new Set();

export function RunsPage() {
  const place = usePlace();
  const search = useSearch({ from: "/$organization/$workspace/runs" });
  const navigate = useNavigate({ from: "/$organization/$workspace/runs" });
  const onSearch = (next: RunSearch): void => void navigate({ search: next, replace: true });
  useTitle("Runs", place.workspace);
  const now = useHours();
  const window = useMemo(() => dayAround(now), [now]);
  const [chosen, setChosen] = useState(NONE);
  const asked = useMemo(() => listAsked(place, search, now), [place, search, now]);
  const { from: _from, to: _to, last: _last, ...unbrushed } = search;
  const list = usePages("runs", RunListDocument, asked, (data) => data.workspace?.flowRuns, listAsked(place, search, 0));
  const [histogram, readHistogram] = useReadQuery(RunHistogramDocument, histogramAsked(place, search, now));
  const again = (): void => {
    list.again();
    readHistogram({ requestPolicy: "network-only" });
  };
  useChanges(useWorkspaceId(), ["flow_run"], again);
  const brush = brushOf(search, now);
  const onBrush = (piece: { from: number; to: number } | undefined): void =>
    onSearch(piece ? { ...unbrushed, from: Math.round(piece.from), to: Math.round(piece.to) } : unbrushed);
  const { rows } = list;
  const { peek, ...unpeeked } = search;
  const peeked = rows?.find((run) => run.id === peek);
  return (
    <>
      <PageHead title="Runs" />
      <TimeRail bins={histogram.data?.workspace?.runHistogram ?? []} window={window} binMs={HOUR} brush={brush} onBrush={onBrush} />
      <RunFilters search={search} onSearch={onSearch} count={list.total} />
      <RunsActions runs={rows?.filter(({ id }) => chosen.has(id)) ?? []} onClear={() => setChosen(NONE)} onDone={again} />
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={12} />}
      {rows?.length === 0 && (isNarrowed(search) ? <NothingMatches what="run" onClear={() => onSearch({})} /> : <NoRuns />)}
      {rows && rows.length > 0 && (
        <RunTable
          name="runs"
          of={list.of}
          runs={rows}
          chosen={chosen}
          onChoose={setChosen}
          peeked={peek}
          onPeek={(run) => onSearch(run.id === peek ? unpeeked : { ...unpeeked, peek: run.id })}
          hasMore={list.hasMore}
          onMore={list.more}
          order={{ by: search.by ?? "EXPECTED_START", isDescending: !search.up, onOrder: (by, isDescending) => onSearch(ordered(search, by, isDescending)) }}
        />
      )}
      {peeked && <RunPeek run={peeked} onClose={() => onSearch(unpeeked)} />}
    </>
  );
}

/** The piece of the rail that the list is narrowed to. */
function brushOf({ from, to, last }: RunSearch, now: number): { from: number; to: number } | undefined {
  if (from !== undefined && to !== undefined) return { from, to };
  return last === undefined ? undefined : { from: Math.max(now - last * HOUR, dayAround(now).from), to: now };
}

function ordered({ by: _by, up: _up, ...rest }: RunSearch, by: string, isDescending: boolean): RunSearch {
  const known = ORDERS.find((each) => each === by);
  return { ...rest, ...(known && known !== "EXPECTED_START" ? { by: known } : {}), ...(isDescending ? {} : { up: true }) };
}

function NoRuns() {
  return (
    <EmptyState title="Runs appear here as soon as a flow is called.">
      <p className="m-0 faint">With HEADGATE_API_URL and HEADGATE_API_KEY set, run any Python file that calls a flow:</p>
      <Command text="python my_flow.py" />
    </EmptyState>
  );
}
