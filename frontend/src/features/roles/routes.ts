/** The address of an organization's roles. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { organizationRoute } from "@/lib/routes";

export const roleRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/roles",
    component: lazyPage(() => import("@/features/roles/RolesPage"), "RolesPage"),
  }),
] as const;
