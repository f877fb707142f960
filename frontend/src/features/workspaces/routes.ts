/** The addresses of workspaces themselves: all of one's own, an organization's, one's first steps and settings. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { organizationRoute, rootRoute, workspaceRoute } from "@/lib/routes";

export const placesRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/",
    component: lazyPage(() => import("@/features/workspaces/PlacesPage"), "PlacesPage"),
  }),
] as const;

export const overviewRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/",
    component: lazyPage(() => import("@/features/workspaces/OverviewPage"), "OverviewPage"),
  }),
] as const;

export const workspaceRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/start",
    component: lazyPage(() => import("@/features/workspaces/FirstStepsPage"), "FirstStepsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/settings",
    component: lazyPage(() => import("@/features/workspaces/SettingsPage"), "SettingsPage"),
  }),
] as const;
