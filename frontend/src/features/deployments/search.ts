/** What the address says of deployments. */

export interface DeploymentsSearch {
  name?: string;
  paused?: boolean;
}

export function readDeploymentsSearch(raw: Record<string, unknown>): DeploymentsSearch {
  const { name, paused } = raw;
  return {
    ...(typeof name === "string" && name !== "" ? { name: name.slice(0, 200) } : {}),
    ...(typeof paused === "boolean" ? { paused } : {}),
  };
}

export const DEPLOYMENT_TABS = ["runs", "schedules", "parameters", "versions", "backfills", "settings"] as const;
export type DeploymentTab = (typeof DEPLOYMENT_TABS)[number];

export interface DeploymentSearch {
  tab?: DeploymentTab;
  /** Whether the form to run it is open. */
  run?: boolean;
}

export function readDeploymentSearch(raw: Record<string, unknown>): DeploymentSearch {
  const tab = DEPLOYMENT_TABS.find((each) => each === raw["tab"]);
  return { ...(tab ? { tab } : {}), ...(raw["run"] === true ? { run: true } : {}) };
}
