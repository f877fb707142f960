/** The address of an organization's machines. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { organizationRoute } from "@/lib/routes";

export const serviceAccountRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/service-accounts",
    component: lazyRouteComponent(() => import("@/features/service_accounts/AccountsPage"), "AccountsPage"),
  }),
] as const;
