/** The address of an organization's usage. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { organizationRoute } from "@/lib/routes";

export const quotaRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/usage",
    component: lazyPage(() => import("@/features/quotas/UsagePage"), "UsagePage"),
  }),
] as const;
