/** The address of a task run. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { workspaceRoute } from "@/lib/routes";

export const taskRunRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/task-runs/$taskRun",
    component: lazyRouteComponent(() => import("@/features/task_runs/TaskRunPage"), "TaskRunPage"),
  }),
] as const;
