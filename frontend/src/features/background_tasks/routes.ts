/** The address of background tasks. */
import { createRoute } from "@tanstack/react-router";
import { readBackgroundTasksSearch } from "@/features/background_tasks/search";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const backgroundTaskRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/background-tasks",
    validateSearch: understood(readBackgroundTasksSearch),
    component: lazyPage(() => import("@/features/background_tasks/BackgroundTasksPage"), "BackgroundTasksPage"),
  }),
] as const;
