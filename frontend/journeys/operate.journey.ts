/** Somebody makes a workspace, keys and a pool, deploys a flow, finds why its run waits, sees it run, breaks it, retries it, mends what keeps another back, and gives it a schedule. */
import { type ChildProcess, spawn } from "node:child_process";
import { dirname } from "node:path";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { complaintsOf, openBrowser, openSignedIn, place } from "./browser";

/** A new process has to start, and another in it, on a machine that may be busy. */
const AN_AGENT_MS = 90_000;
const HOME = "/default/operations";

let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];
let agent: ChildProcess | undefined;

beforeAll(async () => {
  browser = await openBrowser();
  context = await openSignedIn(browser, { viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  complaints = complaintsOf(page);
});

afterAll(async () => {
  agent?.kill("SIGTERM");
  await browser?.close();
});

/** Start a command of the client in the folder of the flows, with a key of the workspace. */
function headgate(key: string, ...arguments_: string[]): ChildProcess {
  const folder = dirname(process.env["HEADGATE_FLOWS"] ?? "");
  const env = { ...process.env, HEADGATE_API_KEY: key, HEADGATE_WORKSPACE: HOME.slice(1) };
  return spawn(process.env["HEADGATE_PYTHON"] ?? "python3", ["-m", "headgate", ...arguments_], { cwd: folder, env, stdio: "ignore" });
}

/** Make a key on the page of keys; returns its secret, which is shown once. */
async function keyFor(name: string, purpose: string): Promise<string> {
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill(name);
  await page.getByRole("dialog").getByLabel("For", { exact: true }).selectOption(purpose);
  await page.getByRole("button", { name: "Make it" }).click();
  const secret = (await page.locator(".dialog code").textContent()) ?? "";
  await page.getByRole("button", { name: "I have copied it" }).click();
  return secret;
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

describe("from a workspace of one's own to a schedule", () => {
  let [deployKey, agentKey] = ["", ""];

  test("a workspace, keys for it and a pool are made", async () => {
    await page.goto(`${place.url}/default/~`);
    await page.getByRole("button", { name: "New workspace" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Operations");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.waitForURL(/\/default\/operations\/start$/);
    await page.goto(`${place.url}/default/~/keys`);
    deployKey = await keyFor("deploys", "deploy");
    agentKey = await keyFor("agent", "agent");
    await page.goto(place.url + HOME);
    await open("Work pools");
    await page.getByRole("button", { name: "New pool" }).first().click();
    await page.getByRole("dialog").getByLabel("Name", { exact: false }).first().fill("default");
    await page.getByRole("button", { name: "Make the pool" }).click();

    await page.getByRole("row").filter({ hasText: "default" }).waitFor();
  });

  test("a deployment appears as it is made", async () => {
    await open("Deployments");
    await page.getByText("There is none yet.").waitFor();
    const deployed = headgate(deployKey, "deploy", "report.py:report", "--name", "nightly", "--pool", "default");
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
    agent = headgate(agentKey, "agent", "start", "--pool", "default");
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

  test("a line is found in all logs, with what was written around it, and is in the address", async () => {
    const run = page.url();
    await open("Logs");
    await page.getByRole("searchbox", { name: "What a line holds" }).fill("rows of eu");
    await page.getByRole("row").filter({ hasText: "rows of eu" }).click();
    const around = page.getByRole("list", { name: "Lines around it" }).getByText("row 3");
    await around.waitFor();
    await page.reload();
    await around.waitFor();
    const others = new URL(page.url());
    others.searchParams.set("text", "in none of these lines");
    await page.goto(others.href);
    await around.waitFor();
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
    const other = await page.context().newPage();
    await other.goto(page.url());
    const [lines, theirs] = [page, other].map((each) => each.getByText(/^\d+ lines$/));
    const before = await theirs?.textContent();

    await page.getByRole("button", { name: "More to do" }).click();
    await page.getByRole("menuitem", { name: "Retry from failed…" }).click();
    const preview = page.getByRole("dialog", { name: "Retry from failed" });
    await preview.getByText("reused.", { exact: false }).waitFor();
    await preview.getByRole("button", { name: "Retry from failed" }).click();
    await page.getByText("attempt 2").waitFor();
    await stateInHead("FAILED").waitFor();

    await other.getByText("attempt 2").waitFor();
    for (const each of [lines, theirs]) await expect.poll(() => each?.textContent()).not.toBe(before);
    await other.close();
  });

  test("what keeps a run back is found on its page, and mended there", async () => {
    await open("Work pools");
    await page.getByRole("link", { name: "default" }).first().click();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.locator("header").getByText("Paused").waitFor();
    await open("Deployments");
    await page.getByRole("link", { name: "nightly" }).click();
    await page.getByRole("button", { name: "Run…" }).click();
    await page.getByRole("dialog", { name: "Run nightly" }).getByRole("button", { name: "Run it" }).click();
    const why = page.getByRole("region", { name: "Why it is not running" });
    await why.getByRole("button", { name: "Resume the pool" }).click();

    await stateInHead("COMPLETED").waitFor({ timeout: AN_AGENT_MS });
  });

  test("the failure is known by its kind, muted, and unmuted again", async () => {
    await open("Failures");
    await page.getByRole("link", { name: "RuntimeError" }).click();
    await page.getByText("the report is empty").first().waitFor();
    await page.getByRole("button", { name: "Set…" }).click();
    await page.getByRole("menuitem", { name: "Mute" }).click();
    await stateInHead("PAUSED").waitFor();
    await page.getByRole("button", { name: "Undo" }).first().click();

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
    await page.getByRole("button", { name: "Undo" }).first().click();

    await page.getByRole("article").getByRole("button", { name: "Pause" }).waitFor();
  });

  test("nothing was complained of", () => {
    expect(complaints).toEqual([]);
  });
});
