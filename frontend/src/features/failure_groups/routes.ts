/** The addresses of failures. */
import { createRoute } from "@tanstack/react-router";
import { readFailuresSearch } from "@/features/failure_groups/search";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const failureRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/failures",
    validateSearch: understood(readFailuresSearch),
    component: lazyPage(() => import("@/features/failure_groups/FailuresPage"), "FailuresPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/failures/$failure",
    component: lazyPage(() => import("@/features/failure_groups/FailurePage"), "FailurePage"),
  }),
] as const;
