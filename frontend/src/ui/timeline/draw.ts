/** Draws a timeline on a canvas: only what is in sight. */
import { localZone, showTime } from "@/lib/time";
import { ticksOf } from "@/ui/rail";
import { lookOf, type Shape, type Tone } from "@/ui/states";
import type { Layout, Placed, PlacedCell, TimeView } from "@/ui/timeline/layout";

export const ROW_PX = 18;
export const AXIS_PX = 22;
const BAR_PX = 12;
const LEAST_BAR_PX = 2;
const LABEL_FROM_PX = 48;

export interface Ink {
  ink: string;
  faint: string;
  hairline: string;
  surface: string;
  sunken: string;
  font: string;
  tones: Readonly<Record<Tone, { fill: string; tint: string; text: string }>>;
}

const TONES: readonly Tone[] = ["neutral", "running", "completed", "failed", "crashed", "paused"];

/** The colours of the theme that is on. */
export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ink: of("--ink"),
    faint: of("--ink-2"),
    hairline: of("--hairline"),
    surface: of("--surface"),
    sunken: of("--sunken"),
    font: `11px ${of("--font-ui")}`,
    tones: Object.fromEntries(
      TONES.map((tone) => [tone, { fill: of(`--st-${tone}`), tint: of(`--st-${tone}-tint`), text: of(`--st-${tone}-text`) }]),
    ) as unknown as Ink["tones"],
  };
}

export interface Scene {
  layout: Layout;
  view: TimeView;
  width: number;
  height: number;
  gutter: number;
  scrollTop: number;
  now: number;
  chosen: string | undefined;
  ink: Ink;
}

export function placeIn({ view, width, gutter }: Pick<Scene, "view" | "width" | "gutter">): (at: number) => number {
  return (at) => gutter + ((at - view.from) / (view.to - view.from)) * (width - gutter);
}

export function draw(context: CanvasRenderingContext2D, scene: Scene): void {
  const { ink, width, height } = scene;
  context.clearRect(0, 0, width, height);
  context.font = ink.font;
  context.textBaseline = "middle";
  drawTicks(context, scene);
  context.save();
  context.beginPath();
  context.rect(scene.gutter, AXIS_PX, width - scene.gutter, height - AXIS_PX);
  context.clip();
  const x = placeIn(scene);
  for (const placed of scene.layout.placed) drawBar(context, scene, placed, x);
  for (const placed of scene.layout.cells) drawCell(context, scene, placed, x);
  const nowX = x(scene.now);
  context.strokeStyle = ink.ink;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(nowX, AXIS_PX);
  context.lineTo(nowX, height);
  context.stroke();
  context.restore();
  drawLanes(context, scene);
}

function drawTicks(context: CanvasRenderingContext2D, scene: Scene): void {
  const { view, ink, height } = scene;
  const x = placeIn(scene);
  const zone = localZone();
  const offset = new Date(view.from).getTimezoneOffset();
  const isShort = view.to - view.from < 10_000;
  for (const tick of isShort ? shortTicks(view) : ticksOf(view, offset)) {
    const at = Math.round(x(tick)) + 0.5;
    context.strokeStyle = ink.hairline;
    context.beginPath();
    context.moveTo(at, 0);
    context.lineTo(at, height);
    context.stroke();
    context.fillStyle = ink.faint;
    const time = showTime(new Date(tick), new Date(tick), zone);
    context.fillText(isShort ? `${time}.${String(Math.round(tick % 1000)).padStart(3, "0")}` : time, at + 4, AXIS_PX / 2);
  }
}

function shortTicks({ from, to }: TimeView): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => (to - from) / each <= 10) ?? 1000;
  const ticks: number[] = [];
  for (let at = Math.ceil(from / step) * step; at < to; at += step) ticks.push(at);
  return ticks;
}

function drawBar(context: CanvasRenderingContext2D, scene: Scene, { bar, row }: Placed, x: (at: number) => number): void {
  const top = AXIS_PX + row * ROW_PX - scene.scrollTop + (ROW_PX - BAR_PX) / 2;
  if (top > scene.height || top + BAR_PX < AXIS_PX) return;
  const left = x(bar.begun);
  const right = Math.max(x(bar.ended ?? scene.now), left + LEAST_BAR_PX);
  if (right < scene.gutter || left > scene.width) return;
  const { tone, shape } = lookOf(bar.state, bar.stateName);
  const { fill, tint, text } = scene.ink.tones[tone];
  const isHollow = HOLLOW.has(shape);
  context.fillStyle = isHollow ? tint : fill;
  context.fillRect(left, top, right - left, BAR_PX);
  texture(context, shape, { left, top, width: right - left }, scene.ink, fill);
  if (bar.id === scene.chosen) {
    context.strokeStyle = scene.ink.ink;
    context.lineWidth = 2;
    context.strokeRect(left - 1.5, top - 1.5, right - left + 3, BAR_PX + 3);
  }
  const begin = Math.max(left, scene.gutter);
  if (right - begin > LABEL_FROM_PX) {
    context.save();
    context.beginPath();
    context.rect(begin, top, right - begin - 4, BAR_PX);
    context.clip();
    context.fillStyle = isHollow ? text : scene.ink.surface;
    context.fillText(bar.name, begin + 4, top + BAR_PX / 2 + 0.5);
    context.restore();
  }
}

const CELL_PX = ROW_PX - 4;

function drawCell(context: CanvasRenderingContext2D, scene: Scene, { cell, row, low, high }: PlacedCell, x: (at: number) => number): void {
  const bottom = AXIS_PX + (row + 1) * ROW_PX - scene.scrollTop - 2;
  if (bottom < AXIS_PX || bottom - CELL_PX > scene.height) return;
  const left = x(cell.from);
  const width = Math.max(1, x(cell.to) - left - 1);
  const { tone, shape } = lookOf(cell.state);
  const { fill, tint } = scene.ink.tones[tone];
  const height = Math.max(2, (high - low) * CELL_PX);
  context.fillStyle = HOLLOW.has(shape) ? tint : fill;
  context.fillRect(left, bottom - low * CELL_PX - height, width, height);
}

const HOLLOW: ReadonlySet<Shape> = new Set(["scheduled", "waiting", "pending", "late", "cached", "cancelled", "cancelling"]);

interface Box {
  left: number;
  top: number;
  width: number;
}

/** What tells a state without its colour: an edge, a bite at the end, hatching. */
function texture(context: CanvasRenderingContext2D, shape: Shape, { left, top, width }: Box, ink: Ink, fill: string): void {
  if (HOLLOW.has(shape)) {
    context.strokeStyle = fill;
    context.lineWidth = 1;
    context.strokeRect(left + 0.5, top + 0.5, Math.max(1, width - 1), BAR_PX - 1);
  }
  if (width < 6) return;
  context.fillStyle = ink.surface;
  if (shape === "failed" || shape === "timed-out") {
    context.beginPath();
    context.moveTo(left + width, top + 2);
    context.lineTo(left + width - 5, top + BAR_PX / 2);
    context.lineTo(left + width, top + BAR_PX - 2);
    context.fill();
  } else if (shape === "crashed") {
    for (let at = left + 4; at < left + width - 1; at += 6) context.fillRect(at, top + 2, 1.5, BAR_PX - 4);
  } else if (shape === "paused") {
    for (let at = left + 4; at < left + width - 2; at += 6) context.fillRect(at, top + BAR_PX / 2 - 1, 2, 2);
  } else if (shape === "running" || shape === "retrying") {
    context.fillRect(left + width - 3, top + 2, 1.5, BAR_PX - 4);
  }
}

function drawLanes(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, ink, gutter, height, scrollTop } = scene;
  context.fillStyle = ink.surface;
  context.fillRect(0, AXIS_PX, gutter, height - AXIS_PX);
  for (const lane of layout.lanes) {
    const top = AXIS_PX + lane.firstRow * ROW_PX - scrollTop;
    const bottom = top + lane.rowCount * ROW_PX;
    if (bottom < AXIS_PX || top > height) continue;
    context.strokeStyle = ink.hairline;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, Math.max(bottom, AXIS_PX) + 0.5);
    context.lineTo(scene.width, Math.max(bottom, AXIS_PX) + 0.5);
    context.stroke();
    const at = Math.min(Math.max(top, AXIS_PX), bottom - ROW_PX) + ROW_PX / 2;
    context.save();
    context.beginPath();
    context.rect(0, AXIS_PX, gutter - 8, height);
    context.clip();
    context.fillStyle = ink.ink;
    const count = lane.barCount > 1 ? ` ×${lane.barCount.toLocaleString("en")}` : "";
    context.fillText(lane.title + count, 16, at);
    context.restore();
  }
}
