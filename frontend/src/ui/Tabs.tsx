/** Parts of a page, one at a time; which one is in the address. */
import { Tabs as Base } from "@base-ui/react/tabs";
import { type ReactNode, useEffect, useRef } from "react";

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
  const list = useRef<HTMLDivElement>(null);
  // On a phone not all of them have room: the chosen one is in sight.
  useEffect(() => {
    const chosen = list.current?.querySelector<HTMLElement>("[aria-selected=true]");
    if (!list.current || !chosen) return;
    const [start, end] = [chosen.offsetLeft, chosen.offsetLeft + chosen.offsetWidth];
    const { scrollLeft, clientWidth } = list.current;
    if (start < scrollLeft || end > scrollLeft + clientWidth) list.current.scrollLeft = start - (clientWidth - chosen.offsetWidth) / 2;
  }, [tab]);
  return (
    <Base.Root className="tabs" value={tab} onValueChange={(value: Name) => onTab(value)}>
      <Base.List ref={list} className="tabs-list" aria-label={label}>
        {tabs.map((each) => <Base.Tab key={each.name} className="tab" value={each.name}>{each.label}</Base.Tab>)}
      </Base.List>
      <Base.Panel className="tabs-panel" value={tab}>{children}</Base.Panel>
    </Base.Root>
  );
}
