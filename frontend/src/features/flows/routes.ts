/** The addresses of flows. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { pieceOf, readNameSearch, understood } from "@/lib/search";

export const flowRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/flows",
    validateSearch: understood(readNameSearch),
    component: lazyPage(() => import("@/features/flows/FlowsPage"), "FlowsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/flows/$flow",
    validateSearch: understood(pieceOf),
    component: lazyPage(() => import("@/features/flows/FlowPage"), "FlowPage"),
  }),
] as const;
