/** What is seen by others: somebody who may only look, a second tab, and all of them while the server is started anew. */
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import type { Browser, BrowserContext, Page, WebSocketRoute } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser, openSignedIn, place } from "./browser";

const HOME = `${place.url}/default/default`;
const VIEW = { viewport: { width: 1440, height: 900 } } as const;
const STEPS = 40;

let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
  context = await openSignedIn(browser, VIEW);
  page = await context.newPage();
});

afterAll(async () => {
  await browser?.close();
});

test("a viewer sees what failed, and is told which permission each deed needs", async () => {
  const theirs = await (await browser.newContext({ ...VIEW, storageState: `${place.shots}/viewer.json` })).newPage();
  await theirs.goto(`${HOME}/runs?state=%5B%22FAILED%22%5D`);
  await theirs.getByRole("row").filter({ hasText: "fails" }).getByRole("link").first().click();
  await theirs.getByText("ValueError: row 10 is out of range").first().waitFor();
  await theirs.getByRole("button", { name: "More to do" }).click();
  const deeds = theirs.getByRole("menuitem");
  await deeds.first().waitFor();
  for (const deed of await deeds.all()) {
    if ((await deed.textContent())?.startsWith("Compare")) continue;
    expect(await deed.getAttribute("aria-disabled")).toBe("true");
    expect(await deed.getAttribute("title")).toMatch(/runs:(write|execute)/);
  }
  await theirs.context().close();
});

test("what is done in one tab is seen in another, also what was done while its socket was away", async () => {
  const other = await context.newPage();
  const sockets: WebSocketRoute[] = [];
  let isAway = false;
  await other.routeWebSocket(/graphql/, async (socket) => {
    if (isAway) return await socket.close({ code: 1001 });
    sockets.push(socket, socket.connectToServer());
  });
  for (const tab of [page, other]) {
    await tab.goto(`${HOME}/variables`);
    await tab.getByRole("button", { name: "New variable" }).first().waitFor();
  }
  await page.getByRole("button", { name: "New variable" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("seen_in_both");
  await page.getByRole("dialog").getByLabel("Value").fill("yes");
  await page.getByRole("button", { name: "Make it" }).click();

  await other.getByRole("row").filter({ hasText: "seen_in_both" }).waitFor();

  isAway = true;
  for (const socket of sockets) await socket.close({ code: 1001 });
  await other.getByText("Not connected", { exact: false }).waitFor();
  await page.getByRole("button", { name: "New variable" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("made_meanwhile");
  await page.getByRole("dialog").getByLabel("Value").fill("yes");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("row").filter({ hasText: "made_meanwhile" }).waitFor();
  isAway = false;

  await other.getByRole("row").filter({ hasText: "made_meanwhile" }).waitFor();
  await other.close();
});

test("while the server is started anew, a run is followed to its end, and no line of it is missing", async () => {
  await page.goto(`${HOME}/runs`);
  const process_ = spawn(process.env["HEADGATE_PYTHON"] ?? "python3", [process.env["HEADGATE_FLOWS"] ?? "", "enduring"], { stdio: "ignore" });
  const ended = new Promise((resolve) => process_.on("exit", resolve));
  await page.getByRole("row").filter({ hasText: "enduring" }).getByRole("link").first().click();
  const log = page.getByRole("log");
  await log.getByText("step 3", { exact: true }).waitFor();
  writeFileSync(`${place.shots}/restart`, "");
  await page.getByText("Not connected: what is shown may be old.", { exact: false }).waitFor();
  await expect.poll(() => existsSync(`${place.shots}/restart`), { timeout: 60_000 }).toBe(false);

  await expect(ended).resolves.toBe(0);
  await page.locator("header [data-state=COMPLETED]").first().waitFor({ timeout: 60_000 });
  await page.getByText("Not connected", { exact: false }).waitFor({ state: "detached" });
  await page.getByRole("searchbox", { name: "Search the whole log" }).waitFor();
  await page.getByText(`${STEPS} lines`, { exact: true }).waitFor();
  await page.getByRole("separator", { name: "Height of the log" }).press("ArrowUp");
  await log.evaluate((element) => element.scrollTo(0, 0));
  await log.getByText("step 0", { exact: true }).waitFor();
});
