/** What there is now, and how the runs of the day ended; each leads to them. */
import { Link } from "@tanstack/react-router";
import type { NowQuery } from "@/generated/graphql";
import type { RunSearch } from "@/features/flow_runs/search";
import type { Place } from "@/lib/place";
import { MINUTE_MS, useNow } from "@/ui/clock";
import { StateGlyph } from "@/ui/StateGlyph";

type Counts = NonNullable<NowQuery["workspace"]>["counts"];

interface Counter {
  title: string;
  type: string;
  name?: string;
  value: string;
  /** Against as long a time before. */
  change?: string;
  /** The list of just these runs. */
  search: RunSearch;
}

function shown({ value, precision }: { value: number; precision: string }): string {
  return `${precision === "AT_LEAST" ? ">" : ""}${value.toLocaleString("en")}`;
}

function changeOf(now: number, before: number): string {
  if (now === before) return "in 24 h, as the day before";
  return `in 24 h, ${now > before ? "+" : "−"}${Math.abs(now - before).toLocaleString("en")} on the day before`;
}

/** ``until`` is when the day that the ended ones are counted in is over. */
export function Counters({ counts, until, place }: { counts: Counts; until: number; place: Place }) {
  const now = useNow(MINUTE_MS);
  const ended = (title: string, type: "COMPLETED" | "FAILED" | "CRASHED"): Counter => {
    const of = (list: Counts["inWindow"]): number => list.find(({ state }) => state === type)?.count ?? 0;
    return { title, type, value: of(counts.inWindow).toLocaleString("en"), change: changeOf(of(counts.inWindow), of(counts.before)), search: { state: [type], from: Date.parse(counts.since), to: until } };
  };
  const counters: Counter[] = [
    { title: "Running", type: "RUNNING", value: shown(counts.running), search: { state: ["RUNNING"] } },
    { title: "Waiting", type: "PENDING", value: shown(counts.waiting), search: { state: ["SCHEDULED"], q: "-state:AwaitingRetry", from: 0, to: now + MINUTE_MS } },
    { title: "Late", type: "SCHEDULED", name: "Late", value: shown(counts.late), search: { q: "state:late" } },
    ended("Failed", "FAILED"),
    ended("Crashed", "CRASHED"),
    ended("Completed", "COMPLETED"),
  ];
  return (
    <nav className="counters" aria-label="Runs by state">
      {counters.map(({ title, type, name, value, change, search }) => (
        <Link key={title} className="counter" to="/$organization/$workspace/runs" params={place} search={search}>
          <span className="flex items-center gap-2 text-[12px]">
            <StateGlyph type={type} {...(name === undefined ? {} : { name })} size={12} />
            {title}
          </span>
          <b className="num">{value}</b>
          {change && <span className="faint text-[12px]">{change}</span>}
        </Link>
      ))}
    </nav>
  );
}
