/** The address of an organization's keys. */
import { createRoute } from "@tanstack/react-router";
import { readKeySearch } from "@/features/api_keys/keys";
import { lazyPage } from "@/lib/code";
import { organizationRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const apiKeyRoutes = [
  createRoute({
    getParentRoute: () => organizationRoute,
    path: "/keys",
    validateSearch: understood(readKeySearch),
    component: lazyPage(() => import("@/features/api_keys/KeysPage"), "KeysPage"),
  }),
] as const;
