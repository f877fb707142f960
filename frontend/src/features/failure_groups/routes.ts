/** The addresses of failures. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { readFailuresSearch } from "@/features/failure_groups/search";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const failureRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/failures",
    validateSearch: understood(readFailuresSearch),
    component: lazyRouteComponent(() => import("@/features/failure_groups/FailuresPage"), "FailuresPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/failures/$failure",
    component: lazyRouteComponent(() => import("@/features/failure_groups/FailurePage"), "FailurePage"),
  }),
] as const;
