/** What the address says of deployments. */
import { pieceOf, wordsOf } from "@/lib/search";

export interface DeploymentsSearch {
  name?: string;
  paused?: boolean;
}

export function readDeploymentsSearch(raw: Record<string, unknown>): DeploymentsSearch {
  const { paused } = raw;
  return {
    ...wordsOf(raw, "name"),
    ...(typeof paused === "boolean" ? { paused } : {}),
  };
}

export const DEPLOYMENT_TABS = ["runs", "schedules", "parameters", "versions", "backfills", "settings"] as const;
export type DeploymentTab = (typeof DEPLOYMENT_TABS)[number];

export interface DeploymentSearch {
  tab?: DeploymentTab;
  /** Whether the form to run it is open. */
  run?: boolean;
  /** The piece of time whose runs are looked at, in milliseconds. */
  from?: number;
  to?: number;
}

export function readDeploymentSearch(raw: Record<string, unknown>): DeploymentSearch {
  const tab = DEPLOYMENT_TABS.find((each) => each === raw["tab"]);
  return { ...(tab ? { tab } : {}), ...(raw["run"] === true ? { run: true } : {}), ...pieceOf(raw) };
}
