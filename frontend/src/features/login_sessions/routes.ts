/** The address of what is one's own. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { rootRoute } from "@/lib/routes";

export const loginSessionRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/~/you",
    component: lazyPage(() => import("@/features/login_sessions/YouPage"), "YouPage"),
  }),
] as const;
