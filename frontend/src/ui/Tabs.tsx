/** Parts of a page, one at a time; which one is in the address. */
import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

export interface Tab<Name extends string> {
  name: Name;
  label: ReactNode;
}

export interface TabsProps<Name extends string> {
  label: string;
  tabs: readonly Tab<Name>[];
  tab: Name;
  onTab: (tab: Name) => void;
  /** What the chosen one shows. */
  children: ReactNode;
}

export function Tabs<Name extends string>({ label, tabs, tab, onTab, children }: TabsProps<Name>) {
  return (
    <Base.Root className="tabs" value={tab} onValueChange={(value: Name) => onTab(value)}>
      <Base.List className="tabs-list" aria-label={label}>
        {tabs.map((each) => <Base.Tab key={each.name} className="tab" value={each.name}>{each.label}</Base.Tab>)}
      </Base.List>
      <Base.Panel className="tabs-panel" value={tab}>{children}</Base.Panel>
    </Base.Root>
  );
}
