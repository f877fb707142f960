/** A button that asks before it does something that cannot be taken back. */
import { AlertDialog } from "@base-ui/react/alert-dialog";
import { type ReactNode, useState } from "react";
import type { Scope } from "@/generated/graphql";
import { Button } from "@/ui/Button";

export interface ConfirmProps {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  /** What will happen, to what, and whether it can be taken back. */
  children: ReactNode;
  /** The verb: "Delete the pool". */
  verb: string;
  /** What has to be typed first, for what would be missed. */
  typed?: string | undefined;
  isDanger?: boolean | undefined;
  /** The window closes once this has resolved. */
  onConfirm: () => Promise<unknown> | void;
}

export function Confirm({ isOpen, onClose, title, children, verb, typed, isDanger = true, onConfirm }: ConfirmProps) {
  const [isBusy, setBusy] = useState(false);
  const [text, setText] = useState("");
  const confirm = async (): Promise<void> => {
    setBusy(true);
    try {
      await onConfirm();
    } finally {
      setBusy(false);
      setText("");
      onClose();
    }
  };
  const lacks = typed !== undefined && text !== typed ? `Type ${typed} first.` : undefined;
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <header className="dialog-head">
            <AlertDialog.Title className="dialog-title">{title}</AlertDialog.Title>
          </header>
          <div className="dialog-body">
            <AlertDialog.Description render={<div />}>{children}</AlertDialog.Description>
            {typed !== undefined && (
              <label className="field">
                <span className="field-label">Type <code>{typed}</code> to go on</span>
                <input className="input" value={text} onChange={(event) => setText(event.target.value)} />
              </label>
            )}
          </div>
          <footer className="dialog-foot">
            <Button onClick={onClose}>Keep it as it is</Button>
            <Button isPrimary isDanger={isDanger} isBusy={isBusy} lacks={lacks} onClick={() => void confirm()}>{verb}</Button>
          </footer>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

export interface ConfirmButtonProps extends Omit<ConfirmProps, "isOpen" | "onClose"> {
  label: string;
  needs?: Scope | undefined;
  lacks?: string | undefined;
}

export function ConfirmButton({ label, needs, lacks, isDanger = true, ...rest }: ConfirmButtonProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button isDanger={isDanger} needs={needs} lacks={lacks} onClick={() => setOpen(true)}>{label}</Button>
      <Confirm {...rest} isDanger={isDanger} isOpen={isOpen} onClose={() => setOpen(false)} />
    </>
  );
}
