/** The addresses of blocks. */
import { createRoute } from "@tanstack/react-router";
import { readBlockSearch } from "@/features/blocks/search";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const blockRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/blocks",
    validateSearch: understood(readBlockSearch),
    component: lazyPage(() => import("@/features/blocks/BlocksPage"), "BlocksPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/blocks/new",
    component: lazyPage(() => import("@/features/blocks/CatalogPage"), "CatalogPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/blocks/new/$type",
    component: lazyPage(() => import("@/features/blocks/NewBlockPage"), "NewBlockPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/blocks/$type/$block",
    component: lazyPage(() => import("@/features/blocks/BlockPage"), "BlockPage"),
  }),
] as const;
