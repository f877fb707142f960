/** The address of what goes on now. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";

export const nowRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/",
    component: lazyPage(() => import("@/features/now/NowPage"), "NowPage"),
  }),
] as const;
