/** The address of an organization's settings. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { organizationRoute } from "@/lib/routes";

export const organizationRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/settings",
    component: lazyRouteComponent(() => import("@/features/organizations/SettingsPage"), "SettingsPage"),
  }),
] as const;
