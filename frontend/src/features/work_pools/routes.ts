/** The addresses of work pools and of their agents. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { type RawSearch, understood } from "@/lib/search";

export const POOL_TABS = ["queues", "agents", "runs", "template"] as const;
export type PoolTab = (typeof POOL_TABS)[number];

export const workPoolRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/pools",
    component: lazyPage(() => import("@/features/work_pools/PoolsPage"), "PoolsPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/pools/$pool",
    validateSearch: understood(({ tab }: RawSearch): { tab?: PoolTab } => {
      const known = POOL_TABS.find((each) => each === tab);
      return known ? { tab: known } : {};
    }),
    component: lazyPage(() => import("@/features/work_pools/PoolPage"), "PoolPage"),
  }),
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/agents/$agent",
    component: lazyPage(() => import("@/features/work_pools/AgentPage"), "AgentPage"),
  }),
] as const;
