/** The address of what runs are promised to do. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood, wordsOf } from "@/lib/search";

export const slaRuleRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/sla-rules",
    validateSearch: understood((raw): { rule?: string } => wordsOf(raw, "rule")),
    component: lazyPage(() => import("@/features/sla_rules/SlaRulesPage"), "SlaRulesPage"),
  }),
] as const;
