/** A real browser that somebody has signed in with, and what must never be seen in it. */
import { existsSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const PASSWORD = "correct horse battery staple 9";
const SERIOUS = new Set(["serious", "critical"]);

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: tests/e2e starts the journeys.`);
  return value;
}

export const place = {
  url: setting("HEADGATE_URL"),
  link: setting("HEADGATE_SIGN_IN"),
  shots: setting("HEADGATE_SHOTS"),
};

export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: setting("HEADGATE_CHROMIUM"),
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

/** A context of the first owner; the first journey signs in, and the others go on with its session. */
export async function openSignedIn(browser: Browser, options: BrowserContextOptions): Promise<BrowserContext> {
  const kept = `${place.shots}/signed-in.json`;
  if (existsSync(kept)) return await browser.newContext({ ...options, storageState: kept });
  const context = await browser.newContext(options);
  await signIn(context);
  await context.storageState({ path: kept });
  return context;
}

/** Choose the first owner's password through the printed link, and sign in with it. */
async function signIn(context: BrowserContext): Promise<void> {
  const page = await context.newPage();
  await page.goto(place.link);
  for (const field of await page.locator("input[type=password]:visible").all()) await field.fill(PASSWORD);
  await page.locator("form button").first().click();
  await page.waitForURL(/sign-in/);
  await page.fill("input[type=email]", "owner@localhost");
  await page.fill("input[type=password]", PASSWORD);
  await page.locator("form button").first().click();
  await page.waitForURL((url) => !url.pathname.includes("sign-in"));
  await page.close();
}

/** What the browser complains of on a page, as it comes. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  return complaints;
}

/** What axe finds serious on a page, or in a part of it, each with where. */
export async function barriersOf(page: Page, part = "html"): Promise<string[]> {
  // Our pages have no frames: the way without them opens no further page each time, and what is well need not be told.
  const { violations } = await new AxeBuilder({ page }).include(part).setLegacyMode().options({ resultTypes: ["violations"] }).analyze();
  return violations
    .filter((violation) => SERIOUS.has(violation.impact ?? ""))
    .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`);
}
