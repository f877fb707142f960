/** The address of what goes on now. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { workspaceRoute } from "@/lib/routes";

export const nowRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/",
    component: lazyRouteComponent(() => import("@/features/now/NowPage"), "NowPage"),
  }),
] as const;
