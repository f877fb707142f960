/** Windows over pages of the demo, and what somebody does to see each of them. */
import type { BrowserContext, Page } from "playwright-core";
import { ask, DEMO } from "./pages";

export interface Opened {
  name: string;
  /** The page that it lies over. */
  path: string;
  open: (page: Page) => Promise<void>;
}

const HOME = `/${DEMO.organization}/${DEMO.workspace}`;
const FOUND = `query ($organization: String!, $workspace: String!) {
  workspace(organization: $organization, slug: $workspace) {
    id
    failed: flowRuns(first: 1, filter: { state: { type: [FAILED] }, flow: { name: { eq: "sync-orders" } } }) { nodes { id deployment { id name flow { name } } } }
    running: flowRuns(first: 1, filter: { state: { type: [RUNNING] }, flow: { name: { eq: "load-warehouse" } } }) { nodes { id lease { agent { id } } } }
  }
}`;
const UPSERT = "mutation ($input: DeploymentUpsertInput!) { deploymentUpsert(input: $input) { errors { message } } }";

interface Found {
  id: string;
  failed: { nodes: { id: string; deployment: { id: string; name: string; flow: { name: string } } }[] };
  running: { nodes: { id: string; lease: { agent: { id: string } } }[] };
}

async function choose(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "More to do" }).click();
  await page.getByRole("menuitem", { name }).click();
  await page.getByRole("dialog").waitFor();
}

/** Those that come after one another lie over the same page, as far as they can. */
export async function windowsOf(context: BrowserContext): Promise<Opened[]> {
  const { workspace } = await ask<{ workspace: Found }>(context, FOUND, DEMO);
  const [failed, running] = [workspace.failed.nodes[0], workspace.running.nodes[0]];
  if (!failed || !running) throw new Error("The demo has no run that failed, or none that runs with an agent.");
  const [failedRun, { deployment }] = [`${HOME}/runs/${failed.id}`, failed];
  return [
    { name: "mark", path: failedRun, open: async (page) => await choose(page, "Mark as…") },
    {
      name: "retry",
      path: failedRun,
      open: async (page) => {
        await choose(page, "Retry with…");
        await page.getByLabel("How much of it").selectOption("chosen");
        await page.getByRole("checkbox", { name: /^From / }).first().check();
        await page.getByRole("cell", { name: "chosen", exact: true }).waitFor();
      },
    },
    {
      name: "pause",
      path: `${HOME}/runs/${running.id}`,
      open: async (page) => {
        await page.getByRole("button", { name: "Pause…" }).click();
        await page.getByRole("dialog", { name: "Pause this run" }).waitFor();
      },
    },
    {
      name: "drain",
      path: `${HOME}/agents/${running.lease.agent.id}`,
      open: async (page) => {
        await page.getByRole("button", { name: "Drain…" }).click();
        await page.getByRole("dialog", { name: /^Drain / }).waitFor();
      },
    },
    {
      name: "changed",
      path: `${HOME}/deployments/${deployment.id}?tab=settings`,
      open: async (page) => {
        await page.getByLabel("At once").fill("2");
        await page.getByLabel("When there is one more").selectOption("COALESCE");
        const place = { workspaceId: workspace.id, flowName: deployment.flow.name, name: deployment.name };
        await ask(context, UPSERT, { input: { ...place, description: `Somebody was quicker at ${Date.now()}.` } });
        await page.getByText("Somebody has changed it since you began.").waitFor();
        await page.getByRole("button", { name: "Save", exact: true }).scrollIntoViewIfNeeded();
      },
    },
  ];
}
