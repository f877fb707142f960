/** Somebody deploys a flow, finds why its run waits, sees it run, breaks it, retries it, and gives it a schedule. */
import { type ChildProcess, spawn } from "node:child_process";
import { dirname } from "node:path";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { barriersOf, complaintsOf, openBrowser, openSignedIn, place } from "./browser";

/** A new process has to start, and another in it, on a machine that may be busy. */
const AN_AGENT_MS = 90_000;
const HOME = "/default/default";
/** Every page in one of them; each look is seen in the first journey. */
const LOOKS = [
  { viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
] as const;

let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];
let agent: ChildProcess | undefined;

beforeAll(async () => {
  browser = await openBrowser();
  context = await openSignedIn(browser, { viewport: LOOKS[0].viewport });
  page = await context.newPage();
  complaints = complaintsOf(page);
});

afterAll(async () => {
  agent?.kill("SIGTERM");
  await browser?.close();
});

/** Start a command of the client in the folder of the flows. */
function headgate(...arguments_: string[]): ChildProcess {
  const folder = dirname(process.env["HEADGATE_FLOWS"] ?? "");
  return spawn(process.env["HEADGATE_PYTHON"] ?? "python3", ["-m", "headgate", ...arguments_], { cwd: folder, stdio: "ignore" });
}

async function open(title: string): Promise<void> {
  await page.getByRole("navigation", { name: "Workspace" }).getByRole("link", { name: title, exact: true }).click();
}

function stateInHead(type: string): Locator {
  return page.locator(`header [data-state=${type}]`).first();
}

async function part(name: string | RegExp): Promise<void> {
  await page.getByRole("tab", { name }).click();
}

describe("from a deployment to its schedule", () => {
  test("a deployment appears as it is made", async () => {
    await page.goto(place.url + HOME);
    await open("Deployments");
    await page.getByText("There is none yet.").waitFor();
    const deployed = headgate("deploy", "report.py:report", "--name", "nightly", "--pool", "default");
    await expect(new Promise((resolve) => deployed.on("exit", resolve))).resolves.toBe(0);

    await page.reload();
    await page.getByRole("link", { name: "nightly" }).click();
    await page.getByText("It has not run yet.").waitFor();
  });

  test("the form knows what the flow takes, and the run says what it waits for", async () => {
    await page.getByRole("button", { name: "Run…" }).click();
    const dialog = page.getByRole("dialog", { name: "Run nightly" });
    await dialog.getByLabel("Rows", { exact: false }).first().fill("many");
    await dialog.getByRole("button", { name: "Run it" }).click();
    await dialog.getByText("This is not a number.").waitFor();
    await dialog.getByLabel("Rows", { exact: false }).first().fill("4");
    await dialog.getByLabel("Region", { exact: false }).first().fill("eu");
    await dialog.getByRole("button", { name: "Run it" }).click();

    const why = page.getByRole("region", { name: "Why it is not running" });
    await why.getByText("headgate agent start --pool default").waitFor();
  });

  test("with an agent it runs, live, and its log is searched", async () => {
    agent = headgate("agent", "start", "--pool", "default");
    await stateInHead("COMPLETED").waitFor({ timeout: AN_AGENT_MS });

    await page.getByRole("log").getByText("rows of eu").waitFor();
    await page.getByRole("searchbox", { name: "Search the whole log" }).fill("row 2");
    await page.getByText("1 line", { exact: true }).waitFor();
    await part(/^Tasks/);
    await expect.poll(() => page.getByRole("table", { name: "Task runs" }).getByRole("row").count()).toBe(5);
    await part("States");
    await page.getByRole("list", { name: "States" }).getByText("Completed", { exact: true }).waitFor();
    await part("Graph");
    await expect.poll(() => page.getByRole("region", { name: "What went into what" }).getByRole("button").count()).toBe(4);
    await part("Timeline");
    await page.getByText("4 task runs over").waitFor();
  });

  test("a line is found in all logs, with what was written around it", async () => {
    const run = page.url();
    await open("Logs");
    await page.getByRole("searchbox", { name: "What a line holds" }).fill("rows of eu");
    await page.getByRole("row").filter({ hasText: "rows of eu" }).click();
    await page.getByRole("list", { name: "Lines around it" }).getByText("row 3").waitFor();
    await page.goto(run);
  });

  test("it is run again with another parameter, and fails; what failed is retried", async () => {
    await page.getByRole("button", { name: "More to do" }).click();
    await page.getByRole("menuitem", { name: /^Run again/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "JSON" }).click();
    const json = dialog.getByRole("textbox", { name: "Parameters as JSON" });
    await json.fill(JSON.stringify({ region: "eu", rows: 2, broken: true }));
    await dialog.getByRole("button", { name: "Run it" }).click();
    await stateInHead("FAILED").waitFor();

    await page.getByRole("button", { name: "More to do" }).click();
    await page.getByRole("menuitem", { name: "Retry from failed…" }).click();
    const preview = page.getByRole("dialog", { name: "Retry from failed" });
    await preview.getByText("reused.", { exact: false }).waitFor();
    await preview.getByRole("button", { name: "Retry from failed" }).click();
    await page.getByText("attempt 2").waitFor();
    await stateInHead("FAILED").waitFor();
  });

  test("the failure is known by its kind, muted, and unmuted again", async () => {
    await open("Failures");
    await page.getByRole("link", { name: "RuntimeError" }).click();
    await page.getByText("the report is empty").first().waitFor();
    await page.getByRole("button", { name: "Set…" }).click();
    await page.getByRole("menuitem", { name: "Mute" }).click();
    await stateInHead("PAUSED").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();

    await stateInHead("FAILED").waitFor();
  });

  test("a schedule is written, read in words with its next fires, paused and taken back", async () => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Go to, or do" }).fill("nightly");
    await page.getByRole("option", { name: /nightly/ }).first().waitFor();
    await page.keyboard.press("Enter");
    await part(/^Schedules/);
    await page.getByRole("button", { name: "Add a schedule" }).click();
    const dialog = page.getByRole("dialog", { name: "New schedule" });
    await dialog.getByLabel("Cron", { exact: true }).fill("30 5 * * 1-5");
    await expect.poll(() => dialog.getByRole("table", { name: "Next fires" }).getByRole("row").count()).toBe(11);
    await dialog.getByRole("button", { name: "Save the schedule" }).click();
    await page.getByRole("table", { name: "Next fires" }).waitFor();
    await page.getByRole("article").getByRole("button", { name: "Pause" }).click();
    await page.getByRole("article").getByText("Paused").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();

    await page.getByRole("article").getByRole("button", { name: "Pause" }).waitFor();
  });

  test("nothing was complained of on any page, in the console or by axe", async () => {
    const deployment = new URL(page.url()).pathname;
    const paths = ["/failures", "/events", "/logs", "/approvals", "/flows", "/flows/report", "/artifacts", "/pools", "/pools/default", "/limits"].map((path) => HOME + path);
    for (const [index, path] of [...paths, `${deployment}?tab=schedules`].entries()) {
      const look = LOOKS[index % LOOKS.length] ?? LOOKS[0];
      await page.setViewportSize(look.viewport);
      await page.emulateMedia({ colorScheme: look.colorScheme });
      await page.goto(place.url + path);
      await page.locator(".shell-head h1").waitFor();
      await page.waitForFunction(() => document.querySelector(".skeleton") === null);
      const name = path.replace(HOME, "").replaceAll(/\W+/g, "-");
      await page.screenshot({ path: `${place.shots}/page${name}-${look.viewport.width}-${look.colorScheme}.png` });
      expect(await barriersOf(page), `${path} at ${look.viewport.width}, ${look.colorScheme}`).toEqual([]);
    }
    expect(complaints).toEqual([]);
  });
});
