/** Somebody comes back to a list minutes later, and to what a link names: both are as they were left. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser, openSignedIn, place } from "./browser";
import { ask, DEMO } from "./pages";

const HOME = `${place.url}/${DEMO.organization}/${DEMO.workspace}`;
const MINUTES_MS = 3 * 60_000;
const LEFT_AT = 2_400;
const A_ROW = 35;
const LEFT_AT_ROW = Math.ceil(LEFT_AT / A_ROW) + 8;

let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
  context = await openSignedIn(browser, { viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
});

afterAll(async () => {
  await browser?.close();
});

test("a list that one comes back to stands where one left it", async () => {
  await page.clock.install();
  await page.goto(`${HOME}/runs`);
  const content = page.locator("#content");
  await page.getByRole("row").nth(20).waitFor();
  const deep = (): Promise<boolean> =>
    content.evaluate((element, least) => {
      element.scrollTo(0, element.scrollHeight);
      return element.scrollHeight > least;
    }, 2 * LEFT_AT);
  await expect.poll(deep).toBe(true);
  await content.evaluate((element, top) => element.scrollTo(0, top), LEFT_AT);
  // The rows around follow the scrolling a moment later: one that is known by its number is none of those before.
  const left = page.locator(`tr[data-index='${LEFT_AT_ROW}'] a[href*='/runs/']`).filter({ hasText: /./ }).first();
  const href = await left.getAttribute("href");
  await left.click();
  await page.getByRole("tab").first().waitFor();
  await page.clock.runFor(MINUTES_MS);

  await page.goBack();
  await page.locator(`a[href="${href}"]`).first().waitFor();

  await page.clock.runFor(2_000);
  expect(Math.abs((await content.evaluate((element) => element.scrollTop)) - LEFT_AT)).toBeLessThan(A_ROW);
});

const TASKS = `query ($organization: String!, $workspace: String!, $after: Cursor) {
  workspace(organization: $organization, slug: $workspace) {
    flowRuns(first: 1, filter: { name: { eq: "ten-thousand-tasks" } }) {
      nodes { id taskRuns(first: 100, after: $after) { nodes { id name } pageInfo { endCursor } } }
    }
  }
}`;

interface Tasks {
  workspace: { flowRuns: { nodes: { id: string; taskRuns: { nodes: { id: string; name: string }[]; pageInfo: { endCursor: string } } }[] } };
}

test("the task run that a link names is found beyond the first hundred", async () => {
  const tasksAfter = async (after: string | null): Promise<Tasks["workspace"]["flowRuns"]["nodes"][number]> => {
    const [run] = (await ask<Tasks>(context, TASKS, { ...DEMO, after })).workspace.flowRuns.nodes;
    if (!run) throw new Error("The demo has no run of very many tasks.");
    return run;
  };
  const { id, taskRuns } = await tasksAfter((await tasksAfter(null)).taskRuns.pageInfo.endCursor);
  const task = taskRuns.nodes[60];
  if (!task) throw new Error("The run has too few tasks.");
  const other = await context.newPage();

  await other.goto(`${HOME}/runs/${id}?tab=tasks&task=${task.id}`);
  await other.locator("tr[aria-selected=true]").filter({ hasText: task.name }).waitFor();
  await other.getByRole("button", { name: `Show all tasks, not only ${task.name}` }).waitFor();
  await other.goto(`${HOME}/runs/${id}?task=${task.id}`);
  await other.locator(".timeline-foot").filter({ hasText: `${task.name}: ` }).waitFor();

  await other.close();
});

test("a page that was never opened waits for the server, and is there once it is back", async () => {
  const fresh = await (await browser.newContext({ storageState: await context.storageState() })).newPage();
  await fresh.goto(`${HOME}/runs`);
  await fresh.getByRole("row").nth(1).waitFor();

  await fresh.context().setOffline(true);
  await fresh.getByRole("navigation", { name: "Workspace" }).getByRole("link", { name: "Limits", exact: true }).click();
  await fresh.getByText("The server does not answer. The page is loaded once it does.").waitFor();
  await fresh.getByRole("navigation", { name: "Workspace" }).waitFor();
  await fresh.context().setOffline(false);

  await fresh.getByRole("table", { name: "Limits" }).waitFor();
  expect(new URL(fresh.url()).pathname).toMatch(/\/limits$/);
  await fresh.context().close();
});

test("who follows a link arrives at the heading of the page", async () => {
  const other = await context.newPage();
  await other.goto(`${HOME}/runs`);
  await other.getByRole("row").nth(1).waitFor();
  const focused = (): Promise<string> => other.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.textContent}`);
  const leadTo = async (title: string): Promise<void> => await other.getByRole("navigation", { name: "Workspace" }).getByRole("link", { name: title, exact: true }).press("Enter");

  await leadTo("Limits");
  await expect.poll(focused).toBe("H1 Limits");
  await leadTo("Runs");
  await expect.poll(focused).toBe("H1 Runs");
  await other.keyboard.press("j");
  await other.locator("tr[data-index='0']:focus").waitFor();

  await other.close();
});

test("a piece of the rail is chosen by keys, and is in the address", async () => {
  const other = await context.newPage();
  await other.goto(`${HOME}/flows/sync-orders`);

  await other.getByRole("application").focus();
  await other.keyboard.press("ArrowLeft");
  await other.keyboard.press("Enter");
  await expect.poll(() => new URL(other.url()).search).toMatch(/from=\d+&to=\d+/);
  await other.keyboard.press("Escape");
  await expect.poll(() => new URL(other.url()).search).toBe("");

  await other.close();
});
