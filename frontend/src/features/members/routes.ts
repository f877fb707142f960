/** The address of an organization's people. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { organizationRoute } from "@/lib/routes";

export const memberRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/members",
    component: lazyRouteComponent(() => import("@/features/members/MembersPage"), "MembersPage"),
  }),
] as const;
