/** A look at one row beside its list, which stays in use. Escape closes it. */
import { type ReactNode, useEffect, useRef } from "react";
import { useKey } from "@/ui/keys";

export interface PeekProps {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
  /** A link to the whole page, and what can be done from here. */
  actions?: ReactNode;
}

export function Peek({ title, onClose, children, actions }: PeekProps) {
  const panel = useRef<HTMLElement>(null);
  const before = useRef<Element | null>(null);
  useKey("Escape", onClose);
  useEffect(() => {
    const row = document.querySelector<HTMLElement>("tr[aria-selected=true]");
    before.current = document.activeElement;
    // Opened by a link, there was nothing in focus before: its row is where one goes on.
    if (before.current === document.body) panel.current?.querySelector<HTMLElement>(".peek-body")?.focus({ preventScroll: true });
    return () => {
      const [back] = [before.current, row].filter((each) => each instanceof HTMLElement && each !== document.body && each.isConnected);
      (back as HTMLElement | undefined)?.focus();
    };
  }, []);
  return (
    <aside className="peek" ref={panel} aria-label="Peek">
      <header className="peek-head">
        <strong className="min-w-0 truncate">{title}</strong>
        <span className="ml-auto flex items-center gap-2">
          {actions}
          <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>×</button>
        </span>
      </header>
      <div className="peek-body" role="region" aria-label="What was found" tabIndex={0}>{children}</div>
    </aside>
  );
}
