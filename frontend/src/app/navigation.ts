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
    ],
  },
];

/** What the bar at the foot of a phone holds; the rest is behind "More". */
export const ON_PHONES = ["Now", "Runs", "Failures", "Deployments"];
