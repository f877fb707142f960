/** Every address of the application, and the page it shows. */
import { createRootRoute, createRoute, createRouter, Outlet } from "@tanstack/react-router";
import { NotFound } from "@/app/NotFound";
import { Shell } from "@/app/Shell";
import { RunPage } from "@/features/flow_runs/RunPage";
import { RunsPage } from "@/features/flow_runs/RunsPage";
import { readSearch } from "@/features/flow_runs/search";
import { NowPage } from "@/features/now/NowPage";
import { PlacesPage } from "@/features/workspaces/PlacesPage";

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound });

const places = createRoute({ getParentRoute: () => root, path: "/", component: PlacesPage });

const workspace = createRoute({
  getParentRoute: () => root,
  path: "/$organization/$workspace",
  component: () => <Shell place={workspace.useParams()} />,
});

const now = createRoute({
  getParentRoute: () => workspace,
  path: "/",
  component: () => <NowPage place={workspace.useParams()} />,
});

const runs = createRoute({
  getParentRoute: () => workspace,
  path: "/runs",
  validateSearch: readSearch,
  component: function Runs() {
    const navigate = runs.useNavigate();
    return (
      <RunsPage
        place={workspace.useParams()}
        search={runs.useSearch()}
        onSearch={(search) => void navigate({ search, replace: true })}
      />
    );
  },
});

const run = createRoute({
  getParentRoute: () => workspace,
  path: "/runs/$run",
  component: () => <RunPage id={run.useParams().run} />,
});

export const router = createRouter({
  routeTree: root.addChildren([places, workspace.addChildren([now, runs, run])]),
  scrollRestoration: true,
  defaultPreload: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
