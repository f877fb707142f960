/** The address of what waits for an answer. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood, wordsOf } from "@/lib/search";

export const pauseRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/approvals",
    validateSearch: understood((raw): { run?: string } => wordsOf(raw, "run")),
    component: lazyPage(() => import("@/features/pauses/ApprovalsPage"), "ApprovalsPage"),
  }),
] as const;
