/** Every page of the application, at an address of the demo: the router says which there are. */
import { createMemoryHistory, createRouter } from "@tanstack/react-router";
import type { BrowserContext, Page } from "playwright-core";
import { routeTree } from "@/app/routes";
import { place } from "./browser";

export interface Look {
  width: number;
  height: number;
  colorScheme: "light" | "dark";
}

export interface Visited {
  /** A name for files: "runs-run". */
  name: string;
  path: string;
}

/** The organization and workspace of the demo in which everything is. */
export const DEMO = { organization: "meridian", workspace: "production" } as const;

const FOUND = `query ($organization: String!, $workspace: String!) {
  workspace(organization: $organization, slug: $workspace) {
    flows(first: 1) { nodes { name } }
    deployments(first: 1) { nodes { id } }
    flowRuns(first: 1, filter: { state: { type: [FAILED] }, flow: { name: { eq: "sync-orders" } } }) { nodes { id taskRuns(first: 1) { nodes { id } } } }
    failureGroups(first: 1) { nodes { id } }
    workPools(first: 1) { nodes { name agents(first: 1) { nodes { id } } } }
    artifacts(first: 1) { nodes { id } }
    assets(first: 1) { nodes { id } }
    blockDocuments(first: 1) { nodes { name type { slug } } }
  }
}`;

type Named = { id: string; name: string };
interface Found {
  flows: { nodes: Named[] };
  deployments: { nodes: Named[] };
  flowRuns: { nodes: (Named & { taskRuns: { nodes: Named[] } })[] };
  failureGroups: { nodes: Named[] };
  workPools: { nodes: (Named & { agents: { nodes: Named[] } })[] };
  artifacts: { nodes: Named[] };
  assets: { nodes: Named[] };
  blockDocuments: { nodes: (Named & { type: { slug: string } })[] };
}

/** Ask as whoever is signed in, in the organization of the demo. */
export async function ask<Data>(context: BrowserContext, query: string, variables: unknown): Promise<Data> {
  const answer = await context.request.post(`${place.url}/graphql`, {
    headers: { "x-headgate": "1", "x-headgate-organization": DEMO.organization, accept: "application/json", origin: place.url, "sec-fetch-site": "same-origin" },
    data: { query, variables },
  });
  const { data, errors } = (await answer.json()) as { data?: Data; errors?: unknown };
  if (errors || !data) throw new Error(JSON.stringify(errors));
  return data;
}

async function parametersOf(context: BrowserContext): Promise<Record<string, string>> {
  const { workspace: found } = await ask<{ workspace: Found }>(context, FOUND, DEMO);
  const [run, pool, block] = [found.flowRuns.nodes[0], found.workPools.nodes[0], found.blockDocuments.nodes[0]];
  const known: Record<string, string | undefined> = {
    ...DEMO,
    flow: found.flows.nodes[0]?.name,
    deployment: found.deployments.nodes[0]?.id,
    run: run?.id,
    taskRun: run?.taskRuns.nodes[0]?.id,
    failure: found.failureGroups.nodes[0]?.id,
    pool: pool?.name,
    agent: pool?.agents.nodes[0]?.id,
    artifact: found.artifacts.nodes[0]?.id,
    asset: found.assets.nodes[0]?.id,
    type: block?.type.slug,
    block: block?.name,
  };
  return Object.fromEntries(Object.entries(known).flatMap(([name, value]) => (value === undefined ? [] : [[name, encodeURIComponent(value)]])));
}

/** Every page; fails where one has a part in its address that nothing of the demo is known for. */
export async function pagesOf(context: BrowserContext): Promise<Visited[]> {
  const parameters = await parametersOf(context);
  const { routesByPath } = createRouter({ routeTree, history: createMemoryHistory() });
  const pages = Object.keys(routesByPath).map((pattern) => {
    const path = pattern.replaceAll(/\$(\w+)/g, (_, name: string) => {
      const value = parameters[name];
      if (value === undefined) throw new Error(`Nothing of the demo stands for ${name} in ${pattern}.`);
      return value;
    });
    const name = pattern.replace("/$organization/$workspace", "workspace").replaceAll("~", "of-organization").replaceAll(/[^A-Za-z]+/g, "-").replaceAll(/^-|-$/g, "");
    return { name: name || "places", path };
  });
  return [...pages, { name: "not-found", path: "/a/page/that/is/nowhere" }];
}

export const LOOKS: readonly Look[] = [
  { width: 1440, height: 900, colorScheme: "light" },
  { width: 390, height: 844, colorScheme: "light" },
  { width: 1440, height: 900, colorScheme: "dark" },
  { width: 390, height: 844, colorScheme: "dark" },
];

/** Open a page in a look; there once what it begins with is. */
export async function goTo(page: Page, path: string, look: Look): Promise<void> {
  await page.setViewportSize({ width: look.width, height: look.height });
  await page.emulateMedia({ colorScheme: look.colorScheme });
  await page.goto(place.url + path);
  await page.locator("h1:visible, h2:visible, .empty-title:visible").first().waitFor();
  await page.locator(".skeleton").first().waitFor({ state: "detached" });
}
