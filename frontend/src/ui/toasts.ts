/** Saying shortly what was done, from anywhere; what can be taken back offers it. */
import { Toast } from "@base-ui/react/toast";

export const toastManager = Toast.createToastManager();

const SHOWN_MS = 6_000;
const UNDO_MS = 10_000;

export interface TellOptions {
  isError?: boolean;
  /** What takes it back; ⌘Z does it too while the toast is there. */
  undo?: () => void;
}

let lastUndo: { id: string; undo: () => void } | undefined;

export function tell(text: string, { isError = false, undo }: TellOptions = {}): void {
  const act = (): void => {
    lastUndo = undefined;
    toastManager.close(id);
    undo?.();
  };
  const id = toastManager.add({
    title: text,
    type: isError ? "error" : "done",
    priority: isError ? "high" : "low",
    timeout: undo ? UNDO_MS : SHOWN_MS,
    ...(undo ? { actionProps: { children: "Undo", onClick: act } } : {}),
    onClose: () => {
      if (lastUndo?.id === id) lastUndo = undefined;
    },
  });
  if (undo) lastUndo = { id, undo: act };
}

/** Take back what was told last, where that can be; returns whether there was something. */
export function undoLast(): boolean {
  if (!lastUndo) return false;
  lastUndo.undo();
  return true;
}
