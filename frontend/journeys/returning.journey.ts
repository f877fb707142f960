/** Somebody goes from a list to one of its objects and comes back, minutes later: the list is as they left it. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser, openSignedIn, place } from "./browser";
import { DEMO } from "./pages";

const HOME = `${place.url}/${DEMO.organization}/${DEMO.workspace}`;
const MINUTES_MS = 3 * 60_000;
const LEFT_AT = 2_400;
const A_ROW = 35;

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
  const seen = page.locator("tr[data-index] a[href*='/runs/']").filter({ visible: true });
  const left = seen.filter({ hasText: /./ }).nth(20);
  const href = await left.getAttribute("href");
  await left.click();
  await page.getByRole("tab").first().waitFor();
  await page.clock.runFor(MINUTES_MS);

  await page.goBack();
  await page.locator(`a[href="${href}"]`).first().waitFor();

  await page.clock.runFor(2_000);
  expect(Math.abs((await content.evaluate((element) => element.scrollTop)) - LEFT_AT)).toBeLessThan(A_ROW);
});
