/** The addresses of runs. */
import { createRoute } from "@tanstack/react-router";
import { readRunAhead, readRunsAhead } from "@/features/flow_runs/asked";
import { readRunPageSearch, readSearch, type RunPageSearch, type RunSearch } from "@/features/flow_runs/search";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood, wordsOf } from "@/lib/search";

export const flowRunRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/runs",
    validateSearch: understood<RunSearch>(readSearch),
    beforeLoad: ({ cause, params, search }) => {
      if (cause === "enter") readRunsAhead(params, search);
    },
    component: lazyPage(() => import("@/features/flow_runs/RunsPage"), "RunsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/runs/$run",
    validateSearch: understood<RunPageSearch>(readRunPageSearch),
    beforeLoad: ({ cause, params, search }) => {
      if (cause === "enter") readRunAhead(params.run, search);
    },
    component: lazyPage(() => import("@/features/flow_runs/RunPage"), "RunPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/runs/$run/compare",
    validateSearch: understood((raw): { with?: string } => wordsOf(raw, "with")),
    component: lazyPage(() => import("@/features/flow_runs/ComparePage"), "ComparePage"),
  }),
] as const;
