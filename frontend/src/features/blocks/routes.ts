/** The addresses of blocks. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { readBlockSearch } from "@/features/blocks/search";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const blockRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/blocks",
    validateSearch: understood(readBlockSearch),
    component: lazyRouteComponent(() => import("@/features/blocks/BlocksPage"), "BlocksPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/blocks/new",
    component: lazyRouteComponent(() => import("@/features/blocks/CatalogPage"), "CatalogPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/blocks/new/$type",
    component: lazyRouteComponent(() => import("@/features/blocks/NewBlockPage"), "NewBlockPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/blocks/$type/$block",
    component: lazyRouteComponent(() => import("@/features/blocks/BlockPage"), "BlockPage"),
  }),
] as const;
