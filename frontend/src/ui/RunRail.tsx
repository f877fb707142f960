/** The time rail of a page of a workspace: its runs of the day, or those of one flow or deployment. */
import { useMemo } from "react";
import { type FlowRunFilter, RunHistogramDocument } from "@/generated/graphql";
import { useReadQuery } from "@/lib/ahead";
import { useChanges } from "@/lib/changes";
import { usePlace } from "@/lib/place";
import { useHolds } from "@/lib/scopes";
import { isoDuration } from "@/lib/time";
import { useWorkspaceId } from "@/lib/workspace";
import { useHours } from "@/ui/clock";
import { dayAround, HOUR, type Piece } from "@/ui/rail";
import { TimeRail } from "@/ui/TimeRail";

const PACE_MS = 5_000;

export interface RunRailProps {
  filter?: FlowRunFilter | undefined;
  /** What the address says of the piece that is looked at. */
  search: Piece;
  onPiece: (piece: Required<Piece> | undefined) => void;
  label?: string;
}

/** Nothing where runs may not be read. */
export function RunRail(props: RunRailProps) {
  return useHolds("RUNS_READ") === false ? null : <Rail {...props} />;
}

function Rail({ filter, search: { from, to }, onPiece, label = "Runs over time" }: RunRailProps) {
  const place = usePlace();
  const now = useHours();
  const window = useMemo(() => dayAround(now), [now]);
  const asked = { ...place, from: new Date(window.from).toISOString(), to: new Date(window.to).toISOString(), bucket: isoDuration(HOUR), filter: filter ?? {} };
  const [{ data }, read] = useReadQuery(RunHistogramDocument, asked);
  useChanges(useWorkspaceId(), ["flow_run"], () => read({ requestPolicy: "network-only" }), PACE_MS);
  return (
    <TimeRail
      label={label}
      bins={data?.workspace?.runHistogram ?? []}
      window={window}
      binMs={HOUR}
      brush={from !== undefined && to !== undefined ? { from, to } : undefined}
      onBrush={(piece) => onPiece(piece && { from: Math.round(piece.from), to: Math.round(piece.to) })}
    />
  );
}
