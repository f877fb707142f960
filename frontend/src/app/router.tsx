/** The router: every address, in the frame that its page stands in. */
import { createRouter, Outlet } from "@tanstack/react-router";
import { Broken } from "@/app/Broken";
import { NotFound } from "@/app/NotFound";
import { OrganizationShell } from "@/app/OrganizationShell";
import { routeTree } from "@/app/routes";
import { Shell } from "@/app/Shell";
import { noteDeparture } from "@/lib/arrival";
import { organizationRoute, rootRoute, workspaceRoute } from "@/lib/routes";

rootRoute.update({ component: Outlet, notFoundComponent: NotFound });
organizationRoute.update({ component: OrganizationShell });
workspaceRoute.update({ component: Shell });

export const router = createRouter({
  routeTree,
  scrollRestoration: true,
  scrollToTopSelectors: ["[data-scroller]"],
  defaultPreload: false,
  defaultErrorComponent: Broken,
});

// Another part of the same page is no other page.
router.subscribe("onBeforeNavigate", ({ fromLocation, pathChanged }) => {
  if (fromLocation && pathChanged) noteDeparture();
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
