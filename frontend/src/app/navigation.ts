/** Where one can go in a workspace, in the order of the navigation. */
import type { Scope } from "@/generated/graphql";

export interface Destination {
  title: string;
  /** Below the workspace's address. */
  path: string;
  /** Without it the page would show nothing; it is then left out. */
  needs?: Scope;
  /** The second key after g. */
  key?: string;
}

export interface NavigationGroup {
  title: string;
  destinations: readonly Destination[];
}

export const NAVIGATION: readonly NavigationGroup[] = [
  {
    title: "Operate",
    destinations: [
      { title: "Now", path: "", key: "n" },
      { title: "Runs", path: "/runs", needs: "RUNS_READ", key: "r" },
      { title: "Background tasks", path: "/background-tasks", needs: "RUNS_READ" },
      { title: "Failures", path: "/failures", needs: "RUNS_READ", key: "f" },
      { title: "Events", path: "/events", needs: "EVENTS_READ", key: "e" },
      { title: "Logs", path: "/logs", needs: "LOGS_READ", key: "l" },
      { title: "Approvals", path: "/approvals", needs: "RUNS_READ", key: "a" },
    ],
  },
  {
    title: "Build",
    destinations: [
      { title: "Flows", path: "/flows", needs: "FLOWS_READ", key: "w" },
      { title: "Deployments", path: "/deployments", needs: "FLOWS_READ", key: "d" },
      { title: "SLA rules", path: "/sla-rules", needs: "FLOWS_READ" },
      { title: "Artifacts", path: "/artifacts", needs: "ARTIFACTS_READ" },
    ],
  },
  {
    title: "Infrastructure",
    destinations: [
      { title: "Work pools", path: "/pools", needs: "POOLS_READ", key: "p" },
      { title: "Limits", path: "/limits", needs: "FLOWS_READ" },
      { title: "Blocks", path: "/blocks", needs: "BLOCKS_READ", key: "b" },
      { title: "Variables", path: "/variables", needs: "VARIABLES_READ", key: "v" },
    ],
  },
  {
    title: "Workspace",
    destinations: [
      { title: "First steps", path: "/start" },
      { title: "API explorer", path: "/api" },
      { title: "Settings", path: "/settings" },
    ],
  },
];

/** What the bar at the foot of a phone holds; the rest is behind "More". */
export const ON_PHONES = ["Now", "Runs", "Failures", "Deployments"];

const DESTINATIONS = NAVIGATION.flatMap(({ destinations }) => destinations);

/**
 * Without which permission in the whole workspace a page shows nothing; ``path`` is below the workspace's address. The page of
 * one object is asked for whoever asks: a role may be on that object alone, and the server says what it gives.
 */
export function neededAt(path: string): Scope | undefined {
  return DESTINATIONS.find((each) => path === each.path)?.needs;
}
