/** A link to another page of the workspace: light, for a table has hundreds of them. */
import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";
import { usePlace } from "@/lib/place";

export interface CrumbProps {
  /** Below the workspace: "/runs". */
  to: string;
  /** What the address says after the question mark. */
  search?: Record<string, unknown>;
  children: ReactNode;
  className?: string;
}

/** Whether it is for the page to go there, not for the browser to open it elsewhere. */
function isPlain(event: MouseEvent): boolean {
  return event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.defaultPrevented);
}

export function Crumb({ to, search, children, className }: CrumbProps) {
  const { organization, workspace } = usePlace();
  const router = useRouter();
  const address: string = `/${organization}/${workspace}${to}`;
  const place = { to: address, search: search as never };
  const onClick = (event: MouseEvent): void => {
    if (!isPlain(event)) return;
    event.preventDefault();
    void router.navigate(place);
  };
  return <a className={className} href={search ? router.buildLocation(place).href : address} onClick={onClick}>{children}</a>;
}
