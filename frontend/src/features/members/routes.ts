/** The address of an organization's people. */
import { createRoute } from "@tanstack/react-router";
import { lazyPage } from "@/lib/code";
import { organizationRoute } from "@/lib/routes";

export const memberRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/members",
    component: lazyPage(() => import("@/features/members/MembersPage"), "MembersPage"),
  }),
] as const;
