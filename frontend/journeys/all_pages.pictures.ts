/** Pictures of every page of the demo in every look, to be looked at. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser, openSignedIn, place } from "./browser";
import { goTo, type Look, LOOKS, pagesOf, type Visited } from "./pages";


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

async function take({ name, path }: Visited, look: Look): Promise<void> {
  await goTo(page, path, look);
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: `${place.shots}/${name}-${look.width}-${look.colorScheme}.png`, animations: "disabled" });
}

/** Ten seconds for each of some forty pages, in each of four looks. */
const ALL_MS = 1_600_000;

test("every page is pictured in every look", { timeout: ALL_MS }, async () => {
  const wanted = process.env["HEADGATE_PAGES"]?.split(",");
  const pages = (await pagesOf(context)).filter(({ name }) => wanted === undefined || wanted.includes(name));
  expect(pages).not.toHaveLength(0);
  for (const look of LOOKS) for (const each of pages) await take(each, look);
});
