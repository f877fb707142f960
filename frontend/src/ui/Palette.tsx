/** Type to go anywhere or do something: a list under a field, moved through with the arrows. */
import { Dialog } from "@base-ui/react/dialog";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";

export interface PaletteItem {
  key: string;
  group: string;
  label: string;
  hint?: ReactNode;
  onSelect: () => void;
}

export interface PaletteProps {
  isOpen: boolean;
  onClose: () => void;
  text: string;
  onText: (text: string) => void;
  /** In order; those of one group beside each other. */
  items: readonly PaletteItem[];
  isReading?: boolean;
}

export function Palette({ isOpen, onClose, text, onText, items, isReading = false }: PaletteProps) {
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog palette">
          <Dialog.Title className="sr-only">Go to, or do</Dialog.Title>
          <Field text={text} onText={onText} items={items} onClose={onClose} isReading={isReading} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Field({ text, onText, items, onClose, isReading }: Omit<Required<PaletteProps>, "isOpen">) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  useEffect(() => setActive(0), [text]);
  const at = Math.min(active, items.length - 1);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const select = (item: PaletteItem | undefined): void => {
    if (!item) return;
    onClose();
    item.onSelect();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setActive((at + step + items.length) % Math.max(1, items.length));
    else if (event.key === "Enter") select(items[at]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        className="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={items.length > 0 ? `${id}-${at}` : undefined}
        aria-label="Go to, or do"
        placeholder="A page, a flow, a deployment, a run, or what to do…"
        value={text}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="palette-list" id={`${id}-list`} role="listbox" aria-label="What was found" ref={list}>
        {items.map((item, index) => (
          <div key={item.key}>
            {items[index - 1]?.group !== item.group && <div className="palette-group" aria-hidden="true">{item.group}</div>}
            <div
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              className="palette-item"
              onPointerMove={() => setActive(index)}
              onClick={() => select(item)}
            >
              <span className="min-w-0 truncate">{item.label}</span>
              {item.hint !== undefined && <span className="faint ml-auto">{item.hint}</span>}
            </div>
          </div>
        ))}
      </div>
      <p className="palette-foot faint" role="status">
        {isReading ? "Looking…" : items.length === 0 ? "Nothing is called so." : "↑ ↓ to move, Enter to go, Escape to close"}
      </p>
    </>
  );
}
