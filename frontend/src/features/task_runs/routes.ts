/** The address of a task run. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";

export const taskRunRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/task-runs/$taskRun",
    component: lazyPage(() => import("@/features/task_runs/TaskRunPage"), "TaskRunPage"),
  }),
] as const;
