/** The address of what is one's own. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "@/lib/routes";

export const loginSessionRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/~/you",
    component: lazyRouteComponent(() => import("@/features/login_sessions/YouPage"), "YouPage"),
  }),
] as const;
