/** The address of events. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { readEventsSearch } from "@/features/events/search";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const eventRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/events",
    validateSearch: understood(readEventsSearch),
    component: lazyRouteComponent(() => import("@/features/events/EventsPage"), "EventsPage"),
  }),
] as const;
