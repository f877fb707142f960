/** Every address of the application: a line for each feature. */
import { createRouter, Outlet } from "@tanstack/react-router";
import { NotFound } from "@/app/NotFound";
import { Shell } from "@/app/Shell";
import { artifactRoutes } from "@/features/artifacts/routes";
import { limitRoutes } from "@/features/concurrency_limits/routes";
import { deploymentRoutes } from "@/features/deployments/routes";
import { eventRoutes } from "@/features/events/routes";
import { failureRoutes } from "@/features/failure_groups/routes";
import { flowRunRoutes } from "@/features/flow_runs/routes";
import { flowRoutes } from "@/features/flows/routes";
import { nowRoutes } from "@/features/now/routes";
import { pauseRoutes } from "@/features/pauses/routes";
import { taskRunRoutes } from "@/features/task_runs/routes";
import { workPoolRoutes } from "@/features/work_pools/routes";
import { placesRoutes } from "@/features/workspaces/routes";
import { rootRoute, workspaceRoute } from "@/lib/routes";

const ofRoot = [
  ...placesRoutes,
] as const;

const ofWorkspace = [
  ...nowRoutes,
  ...flowRunRoutes,
  ...deploymentRoutes,
  ...flowRoutes,
  ...failureRoutes,
  ...pauseRoutes,
  ...workPoolRoutes,
  ...limitRoutes,
  ...eventRoutes,
  ...artifactRoutes,
  ...taskRunRoutes,
] as const;

rootRoute.update({ component: Outlet, notFoundComponent: NotFound });
workspaceRoute.update({ component: Shell });

export const router = createRouter({
  routeTree: rootRoute.addChildren([...ofRoot, workspaceRoute.addChildren([...ofWorkspace])]),
  scrollRestoration: true,
  scrollToTopSelectors: ["[data-scroller]"],
  defaultPreload: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
