/** A window over the page: what it asks, and what to do. Escape and the click beside it close it, unless that loses what was written. */
import { Dialog as Base } from "@base-ui/react/dialog";
import { type ReactNode, useEffect, useRef, useState } from "react";

export interface DialogProps {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  description?: string | undefined;
  children: ReactNode;
  /** Buttons, the primary one last. */
  foot?: ReactNode;
  isWide?: boolean;
}

const FIELD = "input:not([type=hidden]), textarea, select";

function isFree(field: HTMLElement): boolean {
  return !field.matches(":disabled, [readonly], [tabindex='-1']");
}

export function Dialog({ isOpen, onClose, title, description, children, foot, isWide = false }: DialogProps) {
  const body = useRef<HTMLDivElement>(null);
  const isWritten = useRef(false);
  const [isAsking, setAsking] = useState(false);
  const note = (): void => {
    isWritten.current = true;
  };
  useEffect(() => {
    if (isOpen) return;
    isWritten.current = false;
    setAsking(false);
  }, [isOpen]);
  const fields = (): HTMLElement[] => [...(body.current?.querySelectorAll<HTMLElement>(FIELD) ?? [])];
  const leave = (): void => {
    if (isAsking) setAsking(false);
    else if (isWritten.current && fields().length > 0) setAsking(true);
    else onClose();
  };
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && leave()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        {/* Touched, the first field would bring up the keyboard over what it is about. */}
        <Base.Popup className={isWide ? "dialog is-wide" : "dialog"} initialFocus={(by) => (by === "touch" ? true : (fields().find(isFree) ?? true))}>
          <header className="dialog-head">
            <Base.Title className="dialog-title">{title}</Base.Title>
            <Base.Close className="icon-button" aria-label="Close">×</Base.Close>
          </header>
          <div className="dialog-body" ref={body} onInput={note} onChange={note}>
            {description && <Base.Description className="m-0 faint">{description}</Base.Description>}
            {children}
          </div>
          {isAsking ? <Leaving onStay={() => setAsking(false)} onLeave={onClose} /> : foot && <footer className="dialog-foot">{foot}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** Asked in place of the buttons; what was written stays above it. */
function Leaving({ onStay, onLeave }: { onStay: () => void; onLeave: () => void }) {
  const before = useRef(document.activeElement);
  useEffect(() => {
    const from = before.current;
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus();
    };
  }, []);
  return (
    <footer className="dialog-foot" role="alert">
      <span className="mr-auto self-center">What you wrote is not saved.</span>
      <button type="button" className="button is-danger" onClick={onLeave}>Drop it</button>
      <button type="button" className="button is-primary" autoFocus onClick={onStay}>Keep writing</button>
    </footer>
  );
}
