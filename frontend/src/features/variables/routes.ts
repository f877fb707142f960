/** The address of a workspace's variables. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { readVariableSearch } from "@/features/variables/search";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const variableRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/variables",
    validateSearch: understood(readVariableSearch),
    component: lazyRouteComponent(() => import("@/features/variables/VariablesPage"), "VariablesPage"),
  }),
] as const;
