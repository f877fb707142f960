/** The address of an organization's settings. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { organizationRoute } from "@/lib/routes";

export const organizationRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/settings",
    component: lazyPage(() => import("@/features/organizations/SettingsPage"), "SettingsPage"),
  }),
] as const;
