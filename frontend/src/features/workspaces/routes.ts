/** The address of the workspaces that one has. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "@/lib/routes";

export const placesRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/",
    component: lazyRouteComponent(() => import("@/features/workspaces/PlacesPage"), "PlacesPage"),
  }),
] as const;
