/** The address of a workspace's variables. */
import { createRoute } from "@tanstack/react-router";
import { readVariableSearch } from "@/features/variables/search";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const variableRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/variables",
    validateSearch: understood(readVariableSearch),
    component: lazyPage(() => import("@/features/variables/VariablesPage"), "VariablesPage"),
  }),
] as const;
