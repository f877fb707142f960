/** The address of an organization's roles. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { organizationRoute } from "@/lib/routes";

export const roleRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/roles",
    component: lazyRouteComponent(() => import("@/features/roles/RolesPage"), "RolesPage"),
  }),
] as const;
