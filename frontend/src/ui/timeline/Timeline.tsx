/** Bars over time, drawn on a canvas: wheel and pinch to zoom, drag to move, arrows to go from bar to bar. */
import { type KeyboardEvent, type PointerEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { showDuration } from "@/lib/time";
import { MINUTE_MS, useNow } from "@/ui/clock";
import { AXIS_PX, draw, inkOf, placeIn, ROW_PX } from "@/ui/timeline/draw";
import { type Layout, layOut, layOutCells, type Placed, type TimelineBar, type TimelineCell, type TimeView, wholeOf, within, zoom } from "@/ui/timeline/layout";

export interface TimelineProps {
  bars: readonly TimelineBar[];
  /** In place of bars, where they are too many: counts of them. */
  cells?: readonly TimelineCell[] | undefined;
  /** All of it, where what is given is a piece; otherwise it is what the bars cover. */
  whole?: TimeView | undefined;
  /** Looked at as soon as it is said: where what is chosen lies, which one need not find by hand. */
  lookAt?: TimeView | undefined;
  /** The piece that is looked at; undefined for all. */
  onView?: ((view: TimeView | undefined) => void) | undefined;
  /** How many there are in all. */
  total: number;
  label: string;
  chosen: string | undefined;
  onChoose: (id: string | undefined) => void;
  onOpen: (id: string) => void;
}

const GUTTER_PX = 150;
const NARROW_GUTTER_PX = 84;
const NARROW_PX = 560;
const ZOOM_STEP = 1.4;

export function Timeline({ bars, cells, whole: given, lookAt, onView, total, label, chosen, onChoose, onOpen }: TimelineProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [scrollTop, setScrollTop] = useState(0);
  const [piece, setView] = useState<TimeView>();
  const setPiece = (next: TimeView | undefined): void => {
    setView(next);
    onView?.(next);
  };
  const isLive = bars.some((bar) => bar.ended === undefined);
  const second = useNow(isLive ? undefined : MINUTE_MS);
  const now = isLive ? second : Math.max(0, ...bars.map((bar) => bar.ended ?? 0));
  const layout = useMemo(() => (cells ? layOutCells(cells) : layOut(bars, now)), [bars, cells, now]);
  const whole = useMemo(() => given ?? wholeOf(bars, now), [bars, given, now]);
  const view = piece ? within(piece, whole) : whole;
  const theme = useTheme();
  const gutter = size.width < NARROW_PX ? NARROW_GUTTER_PX : GUTTER_PX;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context || size.width === 0) return;
    const scale = window.devicePixelRatio || 1;
    element.width = size.width * scale;
    element.height = size.height * scale;
    element.style.width = `${size.width}px`;
    element.style.height = `${size.height}px`;
    context.scale(scale, scale);
    draw(context, { layout, view, ...size, gutter, scrollTop, now, chosen, ink: inkOf(element) });
  }, [layout, view, size, gutter, scrollTop, now, chosen, theme]);
  const latest = useRef(setPiece);
  latest.current = setPiece;
  useEffect(() => {
    if (lookAt) latest.current(lookAt);
  }, [lookAt]);
  useShown(box, size.height, layout, chosen);
  const timeAt = (x: number): number => view.from + ((x - gutter) / (size.width - gutter)) * (view.to - view.from);
  useWheel(box, (event, x) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return false;
    setPiece(zoom(view, timeAt(x), event.deltaY > 0 ? ZOOM_STEP : 1 / ZOOM_STEP, whole));
    return true;
  });
  const barAt = (x: number, y: number): Placed | undefined => {
    const row = Math.floor((y - AXIS_PX + scrollTop) / ROW_PX);
    const place = placeIn({ view, width: size.width, gutter });
    return layout.placed.find((each) => each.row === row && place(each.bar.begun) - 3 <= x && x <= Math.max(place(each.bar.ended ?? now), place(each.bar.begun)) + 3);
  };
  const drag = useDrag({
    onMove: (pixels) => {
      const moved = (pixels / Math.max(1, size.width - gutter)) * (view.to - view.from);
      setPiece(within({ from: view.from - moved, to: view.to - moved }, whole));
    },
    onClick: (x, y) => onChoose(barAt(x, y)?.bar.id),
  });
  const onKeyDown = (event: KeyboardEvent): void => {
    const middle = (view.from + view.to) / 2;
    const at = layout.placed.findIndex(({ bar }) => bar.id === chosen);
    const acts: Record<string, () => void> = {
      ArrowRight: () => onChoose(layout.placed[Math.min(layout.placed.length - 1, at + 1)]?.bar.id),
      ArrowLeft: () => onChoose(layout.placed[Math.max(0, at - 1)]?.bar.id),
      Enter: () => chosen !== undefined && onOpen(chosen),
      Escape: () => onChoose(undefined),
      "+": () => setPiece(zoom(view, middle, 1 / ZOOM_STEP, whole)),
      "-": () => setPiece(zoom(view, middle, ZOOM_STEP, whole)),
      "0": () => setPiece(undefined),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const shown = layout.placed.find(({ bar }) => bar.id === chosen)?.bar;
  return (
    <div className="timeline">
      <div
        ref={box}
        className="timeline-box"
        role="application"
        aria-label={`${label}: arrows move from bar to bar, Enter opens, plus and minus zoom`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
        {...drag}
        onDoubleClick={(event) => {
          const found = barAt(...placeOf(event));
          if (found) onOpen(found.bar.id);
          else setPiece(undefined);
        }}
      >
        <canvas ref={canvas} className="timeline-canvas" />
        <div style={{ height: Math.max(0, AXIS_PX + layout.rowCount * ROW_PX - size.height) }} />
      </div>
      <p className="timeline-foot" aria-live="polite">
        {shown ? sentenceOf(shown, now) : `${total.toLocaleString("en")} ${total === 1 ? "task run" : "task runs"} over ${showDuration(whole.to - whole.from)}${cells ? ", counted: come closer to see them" : ""}`}
        <span className="ml-auto flex gap-1">
          <button type="button" className="icon-button" aria-label="Closer" onClick={() => setPiece(zoom(view, (view.from + view.to) / 2, 1 / ZOOM_STEP, whole))}>+</button>
          <button type="button" className="icon-button" aria-label="Wider" onClick={() => setPiece(zoom(view, (view.from + view.to) / 2, ZOOM_STEP, whole))}>−</button>
          <button type="button" className="button is-small" disabled={!piece} onClick={() => setPiece(undefined)}>All of it</button>
        </span>
      </p>
    </div>
  );
}

/** Scrolls to the row of what is chosen, once it is there. */
function useShown(box: { current: HTMLElement | null }, height: number, { placed }: Layout, chosen: string | undefined): void {
  const shown = useRef<string>(undefined);
  useEffect(() => {
    if (shown.current === chosen || height === 0) return;
    const row = placed.find(({ bar }) => bar.id === chosen)?.row;
    if (chosen !== undefined && row === undefined) return;
    shown.current = chosen;
    const element = box.current;
    if (row === undefined || !element) return;
    const top = row * ROW_PX;
    const room = height - AXIS_PX - ROW_PX;
    if (top < element.scrollTop || top > element.scrollTop + room) element.scrollTo(0, top - room / 2);
  }, [box, height, placed, chosen]);
}

function sentenceOf(bar: TimelineBar, now: number): string {
  return `${bar.name}: ${bar.stateName}, ${showDuration((bar.ended ?? now) - bar.begun)}`;
}

function placeOf(event: { clientX: number; clientY: number; currentTarget: Element }): [number, number] {
  const box = event.currentTarget.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

const CLICK_PX = 4;

/** A drag moves; what did not move is a click. */
function useDrag({ onMove, onClick }: { onMove: (pixels: number) => void; onClick: (x: number, y: number) => void }) {
  const begun = useRef<{ x: number; last: number; moved: number }>(undefined);
  return {
    onPointerDown: (event: PointerEvent): void => {
      begun.current = { x: event.clientX, last: event.clientX, moved: 0 };
    },
    onPointerMove: (event: PointerEvent): void => {
      const from = begun.current;
      if (!from || event.buttons === 0) return;
      from.moved = Math.max(from.moved, Math.abs(event.clientX - from.x));
      if (from.moved < CLICK_PX) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      onMove(event.clientX - from.last);
      from.last = event.clientX;
    },
    onPointerUp: (event: PointerEvent): void => {
      const isClick = begun.current !== undefined && begun.current.moved < CLICK_PX;
      begun.current = undefined;
      if (isClick) onClick(...placeOf(event));
    },
  };
}

/** A listener that may keep the page from scrolling; React's own are passive. */
function useWheel(box: { current: HTMLElement | null }, onWheel: (event: WheelEvent, x: number) => boolean): void {
  const latest = useRef(onWheel);
  useEffect(() => {
    latest.current = onWheel;
  });
  useEffect(() => {
    const element = box.current;
    const listen = (event: WheelEvent): void => {
      const left = element?.getBoundingClientRect().left ?? 0;
      if (latest.current(event, event.clientX - left)) event.preventDefault();
    };
    element?.addEventListener("wheel", listen, { passive: false });
    return () => element?.removeEventListener("wheel", listen);
  }, [box]);
}

/** The theme that is on, so that what is drawn is drawn again as it changes. */
function useTheme(): string | undefined {
  const [theme, setTheme] = useState(() => document.documentElement.dataset["theme"]);
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme(document.documentElement.dataset["theme"]));
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => observer.disconnect();
  }, []);
  return theme;
}
