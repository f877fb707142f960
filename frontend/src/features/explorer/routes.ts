/** The address of the explorer of the API. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";

export const explorerRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/api",
    component: lazyPage(() => import("@/features/explorer/ExplorerPage"), "ExplorerPage"),
  }),
] as const;
