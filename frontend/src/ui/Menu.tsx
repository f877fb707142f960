/** A button with a list of things to do under it. */
import { Menu as Base } from "@base-ui/react/menu";
import type { ReactNode } from "react";
import type { Scope } from "@/generated/graphql";
import { useLack } from "@/lib/scopes";

export interface MenuEntry {
  label: string;
  onSelect: () => void;
  needs?: Scope | undefined;
  /** Why it cannot be done now. */
  lacks?: string | undefined;
  isDanger?: boolean | undefined;
  /** Where set, the entry is a mark that is on or off, and the menu stays open. */
  isChecked?: boolean | undefined;
  hint?: string | undefined;
}

export interface MenuProps {
  label: ReactNode;
  /** Where the label is a sign only. */
  name?: string;
  entries: readonly MenuEntry[];
  className?: string;
  /** Somebody is about to open it: time to read what it lists. */
  onWanted?: () => void;
}

export function Menu({ label, name, entries, className = "button", onWanted }: MenuProps) {
  return (
    <Base.Root>
      <Base.Trigger className={className} aria-label={name} onPointerEnter={onWanted} onFocus={onWanted}>{label}</Base.Trigger>
      <Base.Portal>
        <Base.Positioner className="popup-place" sideOffset={4} align="end">
          <Base.Popup className="menu">
            {entries.map((entry) => <Entry key={entry.label} entry={entry} />)}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Entry({ entry }: { entry: MenuEntry }) {
  const missing = useLack(entry.needs);
  const lack = missing ?? entry.lacks;
  const hint = missing ? "not permitted" : (entry.lacks ?? entry.hint);
  const className = entry.isDanger ? "menu-item is-danger" : "menu-item";
  if (entry.isChecked !== undefined) {
    return (
      <Base.CheckboxItem className={className} checked={entry.isChecked} onCheckedChange={entry.onSelect} closeOnClick={false}>
        <span className="menu-mark" aria-hidden="true">{entry.isChecked ? "✓" : ""}</span>
        {entry.label}
      </Base.CheckboxItem>
    );
  }
  return (
    <Base.Item className={className} disabled={lack !== undefined} title={lack} onClick={entry.onSelect}>
      {entry.label}
      {hint && <span className="menu-hint">{hint}</span>}
    </Base.Item>
  );
}
