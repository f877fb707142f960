/** The address of the explorer of the API. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { workspaceRoute } from "@/lib/routes";

export const explorerRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/api",
    component: lazyRouteComponent(() => import("@/features/explorer/ExplorerPage"), "ExplorerPage"),
  }),
] as const;
