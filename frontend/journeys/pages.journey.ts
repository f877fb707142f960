/** Every page of the application, with the demo in it: nothing serious for axe, no complaint, nothing that jumps or sticks out. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { barriersOf, complaintsOf, openBrowser, openSignedIn } from "./browser";
import { ask, DEMO, goTo, LOOKS, pagesOf } from "./pages";
import { windowsOf } from "./windows";

/** What people see as a jump, in the browser's own measure. */
const MOST_SHIFT = 0.02;
const HOME = `/${DEMO.organization}/${DEMO.workspace}`;
const [DESK, PHONE] = [LOOKS[0], LOOKS[3]] as const;
/** The windows over a page, and what says that somebody was quicker. */
const WINDOWS = ".dialog, .notice";

let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await openBrowser();
  context = await openSignedIn(browser, { viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  complaints = complaintsOf(page);
  await page.addInitScript(() => {
    let shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) if (!entry.hadRecentInput) shift += entry.value;
      Object.assign(window, { shift });
    }).observe({ type: "layout-shift", buffered: true });
  });
});

afterAll(async () => {
  await browser?.close();
});

/** A second each, and several where the machine has other work. */
const ALL_MS = 300_000;

test("every page is sound, the one half of them on a desk, the other on a phone in the dark", { timeout: ALL_MS }, async () => {
  const found: Record<string, unknown> = {};
  for (const [index, { name, path }] of (await pagesOf(context)).entries()) {
    const look = (index % 2 === 0 ? DESK : PHONE) as (typeof LOOKS)[number];
    await goTo(page, path, look);
    const barriers = await barriersOf(page);
    const { shift, over, tall, title } = await page.evaluate(() => ({
      shift: (window as { shift?: number }).shift ?? 0,
      over: document.documentElement.scrollWidth - window.innerWidth,
      tall: (document.getElementById("content")?.clientHeight ?? 0) - window.innerHeight,
      title: document.title,
    }));
    const wrong = [
      ...barriers,
      ...(shift > MOST_SHIFT ? [`it jumps by ${shift.toFixed(3)}`] : []),
      ...(over > 0 ? [`it is ${over} px wider than the window`] : []),
      ...(tall > 0 ? [`its content is ${tall} px taller than the window, so that all of a list is in sight`] : []),
      ...(/\S · Headgate$/.test(title) ? [] : [`its title is ${title}`]),
      ...complaints.splice(0),
    ];
    if (wrong.length > 0) found[`${name} at ${look.width}`] = wrong;
  }

  expect(found).toEqual({});
});

test("every window over a page is sound on a phone in the dark", async () => {
  const found: Record<string, unknown> = {};
  let shown = "";
  for (const { name, path, open } of await windowsOf(context)) {
    if (path === shown) await page.keyboard.press("Escape");
    else await goTo(page, path, PHONE as (typeof LOOKS)[number]);
    shown = path;
    await open(page);
    const barriers = await barriersOf(page, WINDOWS);
    const wrong = await page.evaluate((windows) => {
      const wide = [...document.querySelectorAll(`${windows}, .dialog-body, .form`)].filter((each) => each.scrollWidth > each.clientWidth);
      const away = [...document.querySelectorAll(windows)].map((each) => each.getBoundingClientRect()).filter(({ top, bottom }) => top < 0 || bottom > window.innerHeight);
      return [...wide.map(({ className }) => `${className} holds more than it has room for`), ...away.map(({ top }) => `it is out of sight, at ${top} px`)];
    }, WINDOWS);
    if (barriers.length + wrong.length > 0) found[name] = [...barriers, ...wrong];
  }

  expect(found).toEqual({});
  expect(complaints.splice(0)).toEqual([]);
});

test("names of strangers are only text, wherever they stand", async () => {
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  const { workspace } = await ask<{ workspace: { flowRuns: { nodes: { id: string; name: string }[] } } }>(
    context,
    'query ($organization: String!, $workspace: String!) { workspace(organization: $organization, slug: $workspace) { flowRuns(first: 3, filter: { flow: { name: { eq: "container-audit" } }, state: { type: [FAILED] } }) { nodes { id name } } } }',
    DEMO,
  );
  const runs = workspace.flowRuns.nodes;
  expect(runs.map(({ name }) => name.length > 1_000 || /<script>|\u202e/.test(name))).toEqual([true, true, true]);
  const paths = ["", "/runs?q=flow%3Acontainer-audit", "/logs", "/events", "/failures", ...runs.flatMap(({ id }) => [`/runs/${id}`, `/runs/${id}?tab=parameters`])];
  for (const [index, path] of paths.entries()) {
    await goTo(page, HOME + path, (index % 2 === 0 ? PHONE : DESK) as (typeof LOOKS)[number]);
    const told = await page.evaluate(() => ({
      scripts: [...document.querySelectorAll("script")].filter(({ src }) => src === "").length,
      over: document.documentElement.scrollWidth - window.innerWidth,
    }));
    expect(told, path).toEqual({ scripts: 0, over: 0 });
    expect((await page.title()).length, path).toBeLessThan(400);
  }

  expect(dialogs).toEqual([]);
  expect(complaints.splice(0)).toEqual([]);
});

test("the sign of the tab and its title follow the state of a run", async () => {
  const run = (await pagesOf(context)).find(({ name }) => name === "workspace-runs-run");
  await goTo(page, run?.path ?? "", DESK as (typeof LOOKS)[number]);
  await page.waitForFunction(() => document.title.startsWith("Failed · "));
  expect(await page.locator("#favicon").getAttribute("href")).toMatch(/^data:image\/svg\+xml,.*b61b0e/);

  await page.getByRole("navigation", { name: "Workspace" }).getByRole("link", { name: "Runs", exact: true }).click();
  await page.waitForFunction(() => document.title.startsWith("Runs · "));
  expect(await page.locator("#favicon").getAttribute("href")).not.toContain("data:");
});
