/** A link to another page of the workspace. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { usePlace } from "@/lib/place";

export interface CrumbProps {
  /** Below the workspace: "/runs". */
  to: string;
  /** What the address says after the question mark. */
  search?: Record<string, unknown>;
  children: ReactNode;
  className?: string;
}

export function Crumb({ to, search, children, className }: CrumbProps) {
  const { organization, workspace } = usePlace();
  const address: string = `/${organization}/${workspace}${to}`;
  return <Link className={className} to={address} search={search as never}>{children}</Link>;
}
