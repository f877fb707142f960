/** Where toasts appear: at the foot of the page, over everything. */
import { Toast } from "@base-ui/react/toast";
import { useEffect } from "react";
import { isTyping } from "@/ui/keys";
import { showToastsWith, undoLast } from "@/ui/toasts";

const MANAGER = Toast.createToastManager();

export function Toasts() {
  useEffect(() => {
    showToastsWith(MANAGER);
    const onKey = (event: KeyboardEvent): void => {
      const isUndo = (event.metaKey || event.ctrlKey) && !event.shiftKey && event.key === "z";
      if (isUndo && !isTyping(event) && undoLast()) event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <Toast.Provider toastManager={MANAGER}>
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <Shown />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function Shown() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast">
      <Toast.Content className="toast-content">
        <Toast.Title className="toast-title" />
        {toast.actionProps && <Toast.Action className="button" />}
        <Toast.Close className="icon-button" aria-label="Close">
          ×
        </Toast.Close>
      </Toast.Content>
    </Toast.Root>
  ));
}
