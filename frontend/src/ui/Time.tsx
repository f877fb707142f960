/** Times and lengths of time that follow the clock; the exact time, with its zone, on hover. */
import { localZone, parseDuration, showDuration, showDistance, showExactly, showTime } from "@/lib/time";
import { MINUTE_MS, useNow } from "@/ui/clock";

const ZONE = localZone();
const [SECOND_MS, HOUR_MS] = [1_000, 3_600_000] as const;

/** How often a length of time looks different: seconds are shown of what is shorter than ``untilMs``. */
function paceOf(lengthMs: number, untilMs: number): number {
  return lengthMs < untilMs ? SECOND_MS : MINUTE_MS;
}

export function Time({ at, isRelative = false }: { at: string | null | undefined; isRelative?: boolean }) {
  const age = at ? Math.abs(Date.now() - Date.parse(at)) : 0;
  const now = new Date(useNow(isRelative ? paceOf(age, MINUTE_MS) : MINUTE_MS));
  if (!at) return <span className="faint">–</span>;
  const time = new Date(at);
  return (
    <time className="num" dateTime={at} title={showExactly(time, ZONE)}>
      {isRelative ? showDistance(time, now, ZONE) : showTime(time, now, ZONE)}
    </time>
  );
}

export interface DurationProps {
  /** ISO 8601, where it has ended. */
  length?: string | null | undefined;
  startedAt?: string | null | undefined;
  endedAt?: string | null | undefined;
}

/** How long something took, or takes until now. */
export function Duration({ length, startedAt, endedAt }: DurationProps) {
  const isRunning = !length && !endedAt && Boolean(startedAt);
  const now = useNow(isRunning ? paceOf(Date.now() - Date.parse(startedAt ?? ""), HOUR_MS) : MINUTE_MS);
  if (length) return <span className="num">{showDuration(parseDuration(length))}</span>;
  if (!startedAt) return <span className="faint">–</span>;
  const end = endedAt ? Date.parse(endedAt) : now;
  return <span className="num">{showDuration(Math.max(0, end - Date.parse(startedAt)))}</span>;
}
