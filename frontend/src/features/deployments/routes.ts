/** The addresses of deployments. */
import { createRoute } from "@tanstack/react-router";
import { readDeploymentSearch, readDeploymentsSearch } from "@/features/deployments/search";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const deploymentRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/deployments",
    validateSearch: understood(readDeploymentsSearch),
    component: lazyPage(() => import("@/features/deployments/DeploymentsPage"), "DeploymentsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/deployments/$deployment",
    validateSearch: understood(readDeploymentSearch),
    component: lazyPage(() => import("@/features/deployments/DeploymentPage"), "DeploymentPage"),
  }),
] as const;
