/** Runs over time in stacked bins; a brush narrows the page to a piece of it. */
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { localZone, showExactly, showTime } from "@/lib/time";
import { MINUTE_MS, useNow } from "@/ui/clock";
import { movedBy, pieceOf, type Slots, ticksOf, type Window } from "@/ui/rail";
import { lookOf } from "@/ui/states";

export interface Bin {
  at: string;
  counts: readonly { state: string; count: number }[];
}

export interface TimeRailProps {
  bins: readonly Bin[];
  window: Window;
  binMs: number;
  brush: Window | undefined;
  onBrush: (brush: Window | undefined) => void;
  label?: string;
}

const WIDTH = 1000;
const HEIGHT = 56;
const FOOT = 14;
const LEAST_DRAG = 0.005;
const ORDER = ["CRASHED", "FAILED", "CANCELLED", "CANCELLING", "PAUSED", "RUNNING", "PENDING", "SCHEDULED", "COMPLETED"];

export function TimeRail({ bins, window, binMs, brush, onBrush, label = "Runs over time" }: TimeRailProps) {
  const now = useNow(MINUTE_MS);
  const rail = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ start: number; end: number }>();
  const most = Math.max(1, ...bins.map((bin) => bin.counts.reduce((sum, each) => sum + each.count, 0)));
  const x = (at: number): number => ((at - window.from) / (window.to - window.from)) * WIDTH;
  const placeOf = (event: PointerEvent): number => {
    const box = rail.current?.getBoundingClientRect();
    return box ? (event.clientX - box.left) / box.width : 0;
  };
  const [slots, setSlots] = useState<Slots>();
  const pieceAt = ({ from, to }: Slots): Window => ({ from: window.from + from * binMs, to: window.from + to * binMs });
  const onKeyDown = (event: KeyboardEvent): void => {
    const count = Math.round((window.to - window.from) / binMs);
    const start = Math.floor(((brush?.from ?? now) - window.from) / binMs);
    const moved = movedBy(event.key, event.shiftKey, slots, { count, start });
    if (moved) setSlots(moved);
    else if (event.key === "Enter" && slots) onBrush(pieceAt(slots));
    else if (event.key === "Escape" && (slots || brush)) {
      setSlots(undefined);
      if (brush) onBrush(undefined);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const sought = slots && pieceAt(slots);
  const shown = drag ? pieceOf(window, drag.start, drag.end) : (sought ?? brush);
  const end = (): void => {
    if (!drag) return;
    const isClick = Math.abs(drag.end - drag.start) < LEAST_DRAG;
    onBrush(isClick ? undefined : pieceOf(window, drag.start, drag.end));
    setDrag(undefined);
  };
  return (
    <div
      className="rail"
      ref={rail}
      role="application"
      tabIndex={0}
      aria-label={`${label}: arrows move from hour to hour, with Shift they take in more, Enter shows them, Escape shows all. ${sentenceOf(bins)}`}
      onKeyDown={onKeyDown}
      onBlur={() => setSlots(undefined)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag({ start: placeOf(event), end: placeOf(event) });
      }}
      onPointerMove={(event) => drag && setDrag({ ...drag, end: placeOf(event) })}
      onPointerUp={end}
      onPointerCancel={() => setDrag(undefined)}
    >
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {ticksOf(window, new Date(window.from).getTimezoneOffset()).map((tick) => (
          <line key={tick} className="rail-line" x1={x(tick)} x2={x(tick)} y1={0} y2={HEIGHT} />
        ))}
        <defs>
          <pattern id="rail-coming" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <line className="rail-line" x1="0" y1="0" x2="0" y2="6" />
          </pattern>
        </defs>
        {now < window.to && <rect x={x(now)} width={x(window.to) - x(now)} y={0} height={HEIGHT} fill="url(#rail-coming)" />}
        {bins.map((bin) => (
          <Stack key={bin.at} bin={bin} x={x(Date.parse(bin.at))} width={x(window.from + binMs)} most={most} />
        ))}
        <line className="rail-now" x1={x(now)} x2={x(now)} y1={0} y2={HEIGHT} vectorEffect="non-scaling-stroke" />
        {shown && <rect className="rail-brush" x={x(shown.from)} width={x(shown.to) - x(shown.from)} y={0} height={HEIGHT} vectorEffect="non-scaling-stroke" />}
      </svg>
      <Labels window={window} now={now} />
      <span className="sr-only" aria-live="polite">{sought && wordsOf(bins, sought)}</span>
    </div>
  );
}

function Stack({ bin, x, width, most }: { bin: Bin; x: number; width: number; most: number }) {
  let top = HEIGHT - FOOT;
  return (
    <g>
      {ORDER.toReversed().map((type) => {
        const count = bin.counts.find((each) => each.state === type)?.count ?? 0;
        if (count === 0) return null;
        const height = Math.max(1, (count / most) * (HEIGHT - FOOT - 4));
        top -= height;
        const { tone, shape } = lookOf(type);
        return (
          <rect key={type} className={`bar tone-${tone} bar-${shape}`} x={x} width={Math.max(1, width - 1)} y={top} height={height}>
            <title>{`${count} ${type.toLowerCase()}`}</title>
          </rect>
        );
      })}
    </g>
  );
}

function Labels({ window, now }: { window: Window; now: number }) {
  const zone = localZone();
  return (
    <div className="rail-labels pointer-events-none absolute inset-x-0 bottom-0 h-3.5 overflow-hidden" aria-hidden="true">
      {ticksOf(window, new Date(window.from).getTimezoneOffset()).map((tick) => (
        <span
          key={tick}
          className="num faint absolute pl-1 text-[11px] leading-[14px] whitespace-nowrap"
          style={{ left: `${((tick - window.from) / (window.to - window.from)) * 100}%` }}
        >
          {showTime(new Date(tick), new Date(now), zone).replace(/:00$/, "")}
        </span>
      ))}
    </div>
  );
}

/** A piece of the rail in words: when, and what is in it. */
function wordsOf(bins: readonly Bin[], { from, to }: Window): string {
  const zone = localZone();
  const within = bins.filter(({ at }) => from <= Date.parse(at) && Date.parse(at) < to);
  return `${showExactly(new Date(from), zone)} to ${showTime(new Date(to), new Date(from), zone)}. ${sentenceOf(within)}`;
}

function sentenceOf(bins: readonly Bin[]): string {
  const totals = new Map<string, number>();
  for (const { counts } of bins) {
    for (const { state, count } of counts) totals.set(state, (totals.get(state) ?? 0) + count);
  }
  const parts = [...totals].filter(([, count]) => count > 0);
  const said = parts.map(([state, count]) => `${count} ${state.toLowerCase()}`).join(", ");
  return said ? `Runs in this window: ${said}` : "No runs in this window";
}
