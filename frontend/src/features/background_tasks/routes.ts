/** The address of background tasks. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { readBackgroundTasksSearch } from "@/features/background_tasks/search";
import { workspaceRoute } from "@/lib/routes";

export const backgroundTaskRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/background-tasks",
    validateSearch: readBackgroundTasksSearch,
    component: lazyRouteComponent(() => import("@/features/background_tasks/BackgroundTasksPage"), "BackgroundTasksPage"),
  }),
] as const;
