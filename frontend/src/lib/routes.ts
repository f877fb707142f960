/** The two addresses that all others are under. A feature adds its own in its `routes.ts`; `app/router.tsx` lists them. */
import { createRootRoute, createRoute } from "@tanstack/react-router";

export const rootRoute = createRootRoute();

/** A workspace; the frame of its pages is set where the router is made. */
export const workspaceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$organization/$workspace",
});
