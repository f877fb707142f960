/** A window over the page: what it asks, and what to do. Escape and the click beside it close it. */
import { Dialog as Base } from "@base-ui/react/dialog";
import type { ReactNode } from "react";

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

export function Dialog({ isOpen, onClose, title, description, children, foot, isWide = false }: DialogProps) {
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className={isWide ? "dialog is-wide" : "dialog"}>
          <header className="dialog-head">
            <Base.Title className="dialog-title">{title}</Base.Title>
            <Base.Close className="icon-button" aria-label="Close">×</Base.Close>
          </header>
          <div className="dialog-body">
            {description && <Base.Description className="m-0 faint">{description}</Base.Description>}
            {children}
          </div>
          {foot && <footer className="dialog-foot">{foot}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
