/** The address of what waits for an answer. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { workspaceRoute } from "@/lib/routes";
import { understood, wordsOf } from "@/lib/search";

export const pauseRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/approvals",
    validateSearch: understood((raw): { run?: string } => wordsOf(raw, "run")),
    component: lazyRouteComponent(() => import("@/features/pauses/ApprovalsPage"), "ApprovalsPage"),
  }),
] as const;
