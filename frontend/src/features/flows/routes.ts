/** The addresses of flows. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { workspaceRoute } from "@/lib/routes";
import { readNameSearch, understood } from "@/lib/search";

export const flowRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/flows",
    validateSearch: understood(readNameSearch),
    component: lazyRouteComponent(() => import("@/features/flows/FlowsPage"), "FlowsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/flows/$flow",
    component: lazyRouteComponent(() => import("@/features/flows/FlowPage"), "FlowPage"),
  }),
] as const;
