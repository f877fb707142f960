/** Somebody signs in for the first time, watches a run live, reads its log, and retries another. */
import { spawn } from "node:child_process";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { complaintsOf, openBrowser, openSignedIn, place } from "./browser";

let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await openBrowser();
  context = await openSignedIn(browser, { viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  complaints = complaintsOf(page);
});

afterAll(async () => {
  await browser?.close();
});

/** Start one of the flows beside the server; resolves with how it ended. */
function run(name: string): Promise<number | null> {
  const [command, script] = [process.env["HEADGATE_PYTHON"] ?? "python3", process.env["HEADGATE_FLOWS"] ?? ""];
  const process_ = spawn(command, [script, name], { stdio: "ignore" });
  return new Promise((resolve) => process_.on("exit", resolve));
}

describe("from the first sign-in to a retry", () => {
  test("the workspace is found from the root, and says that nothing has run", async () => {
    await page.goto(place.url);
    await page.getByRole("link", { name: "Default", exact: false }).first().click();
    await page.getByRole("link", { name: "Runs", exact: true }).click();

    await page.getByText("Runs appear here as soon as a flow is called.").waitFor();
  });

  test("a run appears, is followed live, and its page ends with it", async () => {
    const ended = run("lasting");
    const row = page.getByRole("row").filter({ hasText: "lasting" });
    await row.getByText("Running").waitFor();
    await row.getByRole("link").first().click();
    await page.getByRole("log").getByText("step 3").waitFor();
    await expect(ended).resolves.toBe(0);

    await page.locator("header [data-state=COMPLETED]").first().waitFor();
    await expect.poll(() => page.title()).toMatch(/^Completed · /);
    expect(await page.getByRole("log").getByText(/^step \d+$/).allTextContents()).toEqual(
      Array.from({ length: 10 }, (_, step) => `step ${step}`),
    );
  });

  test("a run that failed is found by its state, and says why", async () => {
    await expect(run("fails")).resolves.toBe(1);
    await page.getByRole("navigation", { name: "Workspace" }).getByRole("link", { name: "Runs", exact: true }).click();
    await page.getByRole("button", { name: "Failed" }).click();
    await page.getByText("1 run", { exact: true }).waitFor();
    expect(new URL(page.url()).search).toContain("FAILED");
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("menuitem", { name: "Keep this view…" }).click();
    await page.getByRole("dialog").getByLabel("Name", { exact: false }).first().fill("What fails");
    await page.getByRole("button", { name: "Keep the view" }).click();
    await page.getByRole("button", { name: "Views: What fails" }).waitFor();
    await page.getByRole("row").filter({ hasText: "fails" }).getByRole("link").first().click();

    await page.getByText("ValueError: row 10 is out of range").first().waitFor();
  });

  test("nothing was complained of", () => {
    expect(complaints).toEqual([]);
  });
});
