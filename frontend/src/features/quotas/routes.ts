/** The address of an organization's usage. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { organizationRoute } from "@/lib/routes";

export const quotaRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/usage",
    component: lazyRouteComponent(() => import("@/features/quotas/UsagePage"), "UsagePage"),
  }),
] as const;
