/** The address of limits. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { workspaceRoute } from "@/lib/routes";

export const limitRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/limits",
    validateSearch: ({ limit }: Record<string, unknown>): { limit?: string } => (typeof limit === "string" && limit !== "" ? { limit } : {}),
    component: lazyRouteComponent(() => import("@/features/concurrency_limits/LimitsPage"), "LimitsPage"),
  }),
] as const;
