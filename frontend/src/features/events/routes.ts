/** The address of events. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { readEventsSearch } from "@/features/events/search";
import { workspaceRoute } from "@/lib/routes";

export const eventRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/events",
    validateSearch: readEventsSearch,
    component: lazyRouteComponent(() => import("@/features/events/EventsPage"), "EventsPage"),
  }),
] as const;
