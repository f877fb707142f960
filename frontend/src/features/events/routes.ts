/** The address of events. */
import { createRoute } from "@tanstack/react-router";
import { readEventsSearch } from "@/features/events/search";
import { lazyPage } from "@/lib/code";
import { workspaceRoute } from "@/lib/routes";
import { understood } from "@/lib/search";

export const eventRoutes = [
  createRoute({
    getParentRoute: () => workspaceRoute,
    path: "/events",
    validateSearch: understood(readEventsSearch),
    component: lazyPage(() => import("@/features/events/EventsPage"), "EventsPage"),
  }),
] as const;
