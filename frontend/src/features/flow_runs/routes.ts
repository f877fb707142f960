/** The addresses of runs. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { readRunAhead, readRunsAhead } from "@/features/flow_runs/asked";
import { readRunPageSearch, readSearch } from "@/features/flow_runs/search";
import { workspaceRoute } from "@/lib/routes";

export const flowRunRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/runs",
    validateSearch: readSearch,
    beforeLoad: ({ cause, params, search }) => {
      if (cause === "enter") readRunsAhead(params, search);
    },
    component: lazyRouteComponent(() => import("@/features/flow_runs/RunsPage"), "RunsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/runs/$run",
    validateSearch: readRunPageSearch,
    beforeLoad: ({ cause, params, search }) => {
      if (cause === "enter") readRunAhead(params.run, search);
    },
    component: lazyRouteComponent(() => import("@/features/flow_runs/RunPage"), "RunPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/runs/$run/compare",
    validateSearch: ({ with: other }: Record<string, unknown>): { with?: string } => (typeof other === "string" && other !== "" ? { with: other } : {}),
    component: lazyRouteComponent(() => import("@/features/flow_runs/ComparePage"), "ComparePage"),
  }),
] as const;
