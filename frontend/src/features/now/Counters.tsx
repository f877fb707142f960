/** How many runs of the window are in each state; each leads to them. */
import { Link } from "@tanstack/react-router";
import { StateGlyph } from "@/ui/StateGlyph";
import type { Bin } from "@/ui/TimeRail";

const SHOWN = ["RUNNING", "PAUSED", "FAILED", "CRASHED", "COMPLETED", "SCHEDULED"] as const;

export interface CountersProps {
  bins: readonly Bin[];
  place: { organization: string; workspace: string };
}

export function Counters({ bins, place }: CountersProps) {
  const total = (type: string): number =>
    bins.reduce((sum, bin) => sum + (bin.counts.find((each) => each.state === type)?.count ?? 0), 0);
  return (
    <nav className="counters" aria-label="Runs by state">
      {SHOWN.map((type) => (
        <Link key={type} className="counter" to="/$organization/$workspace/runs" params={place} search={{ state: [type] }}>
          <span className="flex items-center gap-2 text-[12px]">
            <StateGlyph type={type} size={12} />
            {type.charAt(0) + type.slice(1).toLowerCase()}
          </span>
          <b className="num">{total(type).toLocaleString("en")}</b>
        </Link>
      ))}
    </nav>
  );
}
