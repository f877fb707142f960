/** The addresses of workspaces themselves: all of one's own, an organization's, one's first steps and settings. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { organizationRoute, rootRoute, workspaceRoute } from "@/lib/routes";

export const placesRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/",
    component: lazyRouteComponent(() => import("@/features/workspaces/PlacesPage"), "PlacesPage"),
  }),
] as const;

export const overviewRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/",
    component: lazyRouteComponent(() => import("@/features/workspaces/OverviewPage"), "OverviewPage"),
  }),
] as const;

export const workspaceRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/start",
    component: lazyRouteComponent(() => import("@/features/workspaces/FirstStepsPage"), "FirstStepsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/settings",
    component: lazyRouteComponent(() => import("@/features/workspaces/SettingsPage"), "SettingsPage"),
  }),
] as const;
