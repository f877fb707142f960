/** The address of what runs are promised to do. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { workspaceRoute } from "@/lib/routes";

export const slaRuleRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/sla-rules",
    validateSearch: ({ rule }: Record<string, unknown>): { rule?: string } => (typeof rule === "string" && rule !== "" ? { rule } : {}),
    component: lazyRouteComponent(() => import("@/features/sla_rules/SlaRulesPage"), "SlaRulesPage"),
  }),
] as const;
