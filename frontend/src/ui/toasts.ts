/** Saying shortly what was done, from anywhere; what can be taken back offers it. */
import type { Toast } from "@base-ui/react/toast";

export type ToastManager = ReturnType<typeof Toast.createToastManager>;

const SHOWN_MS = 6_000;
const UNDO_MS = 10_000;

export interface TellOptions {
  isError?: boolean;
  /** What takes it back; ⌘Z does it too while the toast is there. */
  undo?: () => void;
}

let manager: ToastManager | undefined;
let early: ((shown: ToastManager) => void)[] = [];
let lastUndo: { id: string; undo: () => void } | undefined;

/** From now on toasts are shown, those first that were told before. */
export function showToastsWith(shown: ToastManager): void {
  manager = shown;
  for (const act of early) act(shown);
  early = [];
}

export function tell(text: string, { isError = false, undo }: TellOptions = {}): void {
  const show = (shown: ToastManager): void => {
    const act = (): void => {
      lastUndo = undefined;
      shown.close(id);
      undo?.();
    };
    const id = shown.add({
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
  };
  if (manager) show(manager);
  else early.push(show);
}

/** Take back what was told last, where that can be; returns whether there was something. */
export function undoLast(): boolean {
  if (!lastUndo) return false;
  lastUndo.undo();
  return true;
}
