/** The addresses that all others are under. A feature adds its own in its `routes.ts`; `app/routes.ts` lists them. */
import { createRootRoute, createRoute } from "@tanstack/react-router";
import { PlaceScopesDocument } from "@/generated/graphql";
import { actIn } from "@/lib/acting";
import { readAhead } from "@/lib/ahead";

export const rootRoute = createRootRoute();

/** A workspace; the frame of its pages is set where the router is made. */
export const workspaceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$organization/$workspace",
  beforeLoad: ({ cause, params }) => {
    actIn(params.organization);
    if (cause === "enter") readAhead(PlaceScopesDocument, params);
  },
});

/** An organization itself; no workspace is called "~". */
export const organizationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$organization/~",
  beforeLoad: ({ params }) => actIn(params.organization),
});
