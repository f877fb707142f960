/** The address of an organization's teams. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { organizationRoute } from "@/lib/routes";

export const teamRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/teams",
    component: lazyPage(() => import("@/features/teams/TeamsPage"), "TeamsPage"),
  }),
] as const;
