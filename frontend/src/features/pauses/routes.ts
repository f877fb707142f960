/** The address of what waits for an answer. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { workspaceRoute } from "@/lib/routes";

export const pauseRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/approvals",
    validateSearch: ({ run }: Record<string, unknown>): { run?: string } => (typeof run === "string" && run !== "" ? { run } : {}),
    component: lazyRouteComponent(() => import("@/features/pauses/ApprovalsPage"), "ApprovalsPage"),
  }),
] as const;
