/** A part at the foot of the page: its height is drawn and remembered, and it can be folded away. */
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { useKey } from "@/ui/keys";

const LEAST_PX = 96;
const BEGIN_PX = 260;
const STEP_PX = 24;

export interface DockProps {
  /** Under which its height is kept. */
  name: string;
  label: string;
  head: ReactNode;
  children: ReactNode;
}

function most(): number {
  return Math.round(window.innerHeight * 0.7);
}

export function Dock({ name, label, head, children }: DockProps) {
  const key = `headgate.dock.${name}`;
  const [height, setHeight] = useState(() => Number(window.localStorage.getItem(key)) || Math.min(BEGIN_PX, window.innerHeight * 0.35));
  const [isOpen, setOpen] = useState(true);
  const begun = useRef<{ y: number; height: number }>(undefined);
  useKey("l", () => setOpen(!isOpen));
  const set = (to: number): void => {
    const next = Math.min(most(), Math.max(LEAST_PX, Math.round(to)));
    setHeight(next);
    window.localStorage.setItem(key, String(next));
  };
  const onPointerMove = (event: PointerEvent): void => {
    if (begun.current) set(begun.current.height + begun.current.y - event.clientY);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowUp: STEP_PX, ArrowDown: -STEP_PX }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    set(height + step);
  };
  return (
    <section className="dock" aria-label={label} style={isOpen ? { height } : undefined}>
      {isOpen && (
        <div
          className="dock-edge"
          role="separator"
          aria-orientation="horizontal"
          aria-label={`Height of the ${label.toLowerCase()}`}
          aria-valuenow={Math.round(height)}
          aria-valuemin={LEAST_PX}
          aria-valuemax={most()}
          tabIndex={0}
          onKeyDown={onKeyDown}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            begun.current = { y: event.clientY, height };
          }}
          onPointerMove={onPointerMove}
          onPointerUp={() => {
            begun.current = undefined;
          }}
        />
      )}
      <header className="dock-head">
        <button type="button" className="dock-title" aria-expanded={isOpen} title="l" onClick={() => setOpen(!isOpen)}>
          <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> {label}
        </button>
        {isOpen && head}
      </header>
      {isOpen && <div className="dock-body">{children}</div>}
    </section>
  );
}
