/** A sign for each state, told apart by its outline alone. */
import type { ReactNode } from "react";
import { lookOf, type Shape } from "@/ui/states";

const LINE = { fill: "none", stroke: "currentColor", strokeWidth: 1.6, strokeLinecap: "round" } as const;
const CUT = { fill: "none", stroke: "var(--surface)", strokeWidth: 1.8, strokeLinecap: "round" } as const;

const SHAPES: Record<Shape, ReactNode> = {
  scheduled: <circle cx="8" cy="8" r="6" {...LINE} strokeDasharray="2.4 2.3" />,
  waiting: (
    <>
      <circle cx="8" cy="8" r="6" {...LINE} />
      <path d="M5 8h6" {...LINE} />
    </>
  ),
  pending: (
    <>
      <circle cx="8" cy="8" r="6" {...LINE} />
      <circle cx="8" cy="8" r="2" fill="currentColor" />
    </>
  ),
  late: (
    <>
      <circle cx="8" cy="8" r="6" {...LINE} />
      <path d="M8 4.6V8l2.4 1.6" {...LINE} />
    </>
  ),
  running: <circle className="turning" cx="8" cy="8" r="6" {...LINE} strokeWidth={2.2} strokeDasharray="28 9.7" />,
  retrying: (
    <>
      <path d="M13.6 6.2A6 6 0 1 0 14 8.8" {...LINE} strokeWidth={2} />
      <path d="M14.4 2.6v4h-4" {...LINE} strokeWidth={2} />
    </>
  ),
  paused: (
    <>
      <rect x="2" y="2" width="12" height="12" rx="2" {...LINE} />
      <path d="M6.4 5.4v5.2M9.6 5.4v5.2" {...LINE} strokeWidth={2} />
    </>
  ),
  completed: (
    <>
      <circle cx="8" cy="8" r="6.8" fill="currentColor" />
      <path d="m5 8.2 2.1 2.1L11 6" {...CUT} />
    </>
  ),
  cached: (
    <>
      <circle cx="8" cy="8" r="6" {...LINE} />
      <path d="m5.2 8.2 2 2L10.8 6.2" {...LINE} />
    </>
  ),
  failed: (
    <>
      <path d="M8 .8 15.2 8 8 15.2.8 8Z" fill="currentColor" />
      <path d="m6 6 4 4m0-4-4 4" {...CUT} />
    </>
  ),
  "timed-out": (
    <>
      <path d="M8 .8 15.2 8 8 15.2.8 8Z" fill="currentColor" />
      <path d="M8 5v3.2l2 1.2" {...CUT} />
    </>
  ),
  crashed: (
    <>
      <path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Z" fill="currentColor" />
      <path d="M8.8 3.8 6 8.4h3.6l-2.4 4" {...CUT} strokeWidth={1.6} />
    </>
  ),
  cancelling: (
    <>
      <rect x="2" y="2" width="12" height="12" {...LINE} />
      <path d="m5 11 6-6" {...LINE} />
    </>
  ),
  cancelled: (
    <>
      <rect x="1.4" y="1.4" width="13.2" height="13.2" fill="currentColor" />
      <path d="m5 11 6-6" {...CUT} />
    </>
  ),
};

export interface StateGlyphProps {
  type: string;
  name?: string;
  size?: 12 | 16 | 20;
}

/** Decoration beside a name; StateLabel has both. */
export function StateGlyph({ type, name, size = 16 }: StateGlyphProps) {
  const { tone, shape } = lookOf(type, name);
  return (
    <svg className={`glyph tone-${tone}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" data-shape={shape}>
      {SHAPES[shape]}
    </svg>
  );
}
