/** The address of limits. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood, wordsOf } from "@/lib/search";

export const limitRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/limits",
    validateSearch: understood((raw): { limit?: string } => wordsOf(raw, "limit")),
    component: lazyPage(() => import("@/features/concurrency_limits/LimitsPage"), "LimitsPage"),
  }),
] as const;
