/** The address of an organization's teams. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { organizationRoute } from "@/lib/routes";

export const teamRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/teams",
    component: lazyRouteComponent(() => import("@/features/teams/TeamsPage"), "TeamsPage"),
  }),
] as const;
