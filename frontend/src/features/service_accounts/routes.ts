/** The address of an organization's machines. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { organizationRoute } from "@/lib/routes";

export const serviceAccountRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/service-accounts",
    component: lazyPage(() => import("@/features/service_accounts/AccountsPage"), "AccountsPage"),
  }),
] as const;
