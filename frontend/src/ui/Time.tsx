/** Times and lengths of time that follow the clock; the exact time, with its zone, on hover. */
import { localZone, parseDuration, showDuration, showExactly, showRelative, showTime } from "@/lib/time";
import { useNow } from "@/ui/clock";

const ZONE = localZone();

export function Time({ at, isRelative = false }: { at: string | null | undefined; isRelative?: boolean }) {
  const now = new Date(useNow());
  if (!at) return <span className="faint">–</span>;
  const time = new Date(at);
  return (
    <time className="num" dateTime={at} title={showExactly(time, ZONE)}>
      {isRelative ? showRelative(time, now) : showTime(time, now, ZONE)}
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
  const now = useNow();
  if (length) return <span className="num">{showDuration(parseDuration(length))}</span>;
  if (!startedAt) return <span className="faint">–</span>;
  const end = endedAt ? Date.parse(endedAt) : now;
  return <span className="num">{showDuration(Math.max(0, end - Date.parse(startedAt)))}</span>;
}
