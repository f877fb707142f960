/** The address of the logs of a workspace. */
import { createRoute } from "@tanstack/react-router";
import { readLogsSearch } from "@/features/logs/search";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const logRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/logs",
    validateSearch: understood(readLogsSearch),
    component: lazyPage(() => import("@/features/logs/LogsPage"), "LogsPage"),
  }),
] as const;
