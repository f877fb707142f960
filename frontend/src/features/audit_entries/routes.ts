/** The address of an organization's audit log. */
import { createRoute } from "@tanstack/react-router";
import { readAuditSearch } from "@/features/audit_entries/search";
import { lazyPage } from "@/lib/code";
import { organizationRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const auditRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/audit",
    validateSearch: understood(readAuditSearch),
    component: lazyPage(() => import("@/features/audit_entries/AuditPage"), "AuditPage"),
  }),
] as const;
