/** What the application takes of a browser, on the whole demo: each figure is a line of a file that the measurement reads. */
import { appendFileSync } from "node:fs";
import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser, openSignedIn, place } from "./browser";
import { ask, DEMO } from "./pages";

const VIEW = { viewport: { width: 1440, height: 900 } } as const;
const HOME = `${place.url}/${DEMO.organization}/${DEMO.workspace}`;
const SAMPLES = 5;
const MEGABYTE = 1_048_576;
const IDLE_SECONDS = 20;
/** How long a page has to have nothing moving, and nothing asked for. */
const REST_MS = 3_000;

let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  browser = await openBrowser();
  context = await openSignedIn(browser, VIEW);
});

afterAll(async () => {
  await browser?.close();
});

function tell(figure: string, unit: string, samples: readonly number[]): void {
  appendFileSync(`${place.shots}/figures.jsonl`, `${JSON.stringify({ figure, unit, samples })}\n`);
}

/** Milliseconds from the start of the navigation until something is painted, in a page that was never open. */
async function paintedAfter(url: string, selector: string): Promise<[number, Page]> {
  const page = await context.newPage();
  await page.addInitScript((wanted) => {
    const look = (): void => {
      if (document.querySelector(wanted) === null) requestAnimationFrame(look);
      // What is there in this frame is painted by the next one.
      else requestAnimationFrame(() => Object.assign(window, { paintedAt: performance.now() }));
    };
    requestAnimationFrame(look);
  }, selector);
  await page.goto(url);
  const handle = await page.waitForFunction(() => (window as { paintedAt?: number }).paintedAt);
  return [Number(await handle.jsonValue()), page];
}

async function runOf(name: string): Promise<string> {
  const { workspace } = await ask<{ workspace: { flowRuns: { nodes: { id: string }[] } } }>(
    context,
    "query ($organization: String!, $workspace: String!, $name: String!) { workspace(organization: $organization, slug: $workspace) { flowRuns(first: 1, filter: { name: { eq: $name } }) { nodes { id } } } }",
    { ...DEMO, name },
  );
  return `${HOME}/runs/${workspace.flowRuns.nodes[0]?.id}`;
}

async function metric(session: CDPSession, name: string): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find((each) => each.name === name)?.value ?? Number.NaN;
}

test("the list of runs is painted", async () => {
  const samples: number[] = [];
  for (let nth = 0; nth < SAMPLES; nth += 1) {
    const [took, page] = await paintedAfter(`${HOME}/runs`, "table[aria-label=Runs] tbody tr");
    samples.push(took / 1000);
    await page.close();
  }
  tell("web_runs_paint_s", "s", samples);
});

test("a run of 10,000 tasks can be moved in", async () => {
  const [drawn, heap, frames] = [[] as number[], [] as number[], [] as number[]];
  const url = await runOf("ten-thousand-tasks");
  for (let nth = 0; nth < SAMPLES; nth += 1) {
    const [took, page] = await paintedAfter(url, ".timeline-canvas");
    drawn.push(took / 1000);
    const canvas = page.getByRole("application");
    const box = await canvas.boundingBox();
    if (!box) throw new Error("There is no timeline.");
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.evaluate(() => {
      const lengths: number[] = [];
      let before = performance.now();
      const next = (at: number): void => {
        lengths.push(at - before);
        before = at;
        requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
      Object.assign(window, { lengths });
    });
    for (let step = 0; step < 30; step += 1) await page.mouse.wheel(0, step % 2 === 0 ? -240 : 120);
    frames.push(...(await page.evaluate(() => (window as unknown as { lengths: number[] }).lengths)));
    await page.getByRole("tab", { name: /^Tasks/ }).click();
    await page.getByRole("table", { name: "Task runs" }).getByRole("row").nth(20).waitFor();
    const session = await page.context().newCDPSession(page);
    await session.send("HeapProfiler.collectGarbage");
    await session.send("Performance.enable");
    heap.push((await metric(session, "JSHeapUsedSize")) / MEGABYTE);
    await page.close();
  }
  tell("web_run_10k_s", "s", drawn);
  tell("web_run_10k_frame_ms", "ms", frames);
  tell("web_run_10k_heap_mb", "MB", heap);
});

test("a log of a million lines is searched", async () => {
  const [opened, found, heap] = [[] as number[], [] as number[], [] as number[]];
  const [took, page] = await paintedAfter(await runOf("million-lines"), ".log-line");
  opened.push(took / 1000);
  // None of the last thousand: those are shown without a search.
  for (const line of [998_001, 500_001, 250_002, 77, 1]) {
    const begun = performance.now();
    await page.getByRole("searchbox", { name: "Search the whole log" }).fill(`row ${line} of`);
    await page.locator(".log-line").filter({ hasText: `Wrote row ${line} of` }).waitFor({ timeout: 60_000 });
    found.push((performance.now() - begun) / 1000);
  }
  await page.getByRole("searchbox", { name: "Search the whole log" }).fill("");
  await page.getByText("of 1,000,000 lines").waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  await session.send("Performance.enable");
  heap.push((await metric(session, "JSHeapUsedSize")) / MEGABYTE);
  tell("web_log_1m_open_s", "s", opened);
  tell("web_log_1m_found_s", "s", found);
  tell("web_log_1m_heap_mb", "MB", heap);
  await page.close();
});

test("an idle tab leaves the processor alone", async () => {
  const page = await context.newPage();
  await page.goto(HOME);
  await page.getByRole("table", { name: "Running" }).waitFor();
  await page.waitForLoadState("networkidle");
  // A sign that is new turns for some seconds: the tab is idle once it has come to rest.
  await page.waitForFunction((rest) => {
    const seen = window as { movedAt?: number };
    if (seen.movedAt === undefined || document.getAnimations().length > 0) seen.movedAt = performance.now();
    return performance.now() - seen.movedAt > rest;
  }, REST_MS, { polling: 250 });
  const session = await browser.newBrowserCDPSession();
  // The processes of pages that are closed go at some time: only what was there all the while is compared.
  const used = async (): Promise<Map<number, number>> => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    return new Map(processInfo.filter(({ type }) => type === "renderer" || type === "GPU").map(({ id, cpuTime }) => [id, cpuTime]));
  };
  const before = await used();
  await page.waitForTimeout(IDLE_SECONDS * 1000);
  const seconds = [...(await used())].reduce((sum, [id, cpuTime]) => sum + Math.max(0, cpuTime - (before.get(id) ?? cpuTime)), 0);
  tell("web_idle_cpu_percent", "%", [(seconds / IDLE_SECONDS) * 100]);
  await page.close();
});

const UPDATES_A_SECOND = 200;
const TYPED = "the quick brown fox jumps over the lazy dog, and does so again and again";

test("two hundred updates a second drop no key", async () => {
  const { workspace } = await ask<{ workspace: { id: string; deployments: { nodes: { id: string }[] } } }>(
    context,
    "query ($organization: String!, $workspace: String!) { workspace(organization: $organization, slug: $workspace) { id deployments(first: 1) { nodes { id } } } }",
    DEMO,
  );
  const run = { workspaceId: workspace.id, deploymentId: workspace.deployments.nodes[0]?.id };
  const page = await context.newPage();
  await page.goto(`${HOME}/events`);
  await page.getByRole("row").nth(10).waitFor();
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox", { name: "Go to, or do" });
  await field.waitFor();
  await page.evaluate(() => {
    const lengths: number[] = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === "keydown") lengths.push(entry.duration);
    }).observe({ type: "event", durationThreshold: 16, buffered: false } as PerformanceObserverInit);
    Object.assign(window, { lengths });
  });
  let [isOver, made] = [false, 0];
  const begunAt = performance.now();
  const making = (async () => {
    while (!isOver) {
      const ahead = (made / UPDATES_A_SECOND) * 1000 - (performance.now() - begunAt);
      if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
      await ask(context, "mutation ($input: FlowRunCreateBatchInput!) { flowRunCreateBatch(input: $input) { results { flowRun { id } } } }", { input: { workspaceId: workspace.id, runs: Array.from({ length: 100 }, () => run) } });
      made += 100;
    }
  })();
  const begun = performance.now();
  await page.keyboard.type(TYPED, { delay: 100 });
  const seconds = (performance.now() - begun) / 1000;
  isOver = true;
  await making;
  expect(await field.inputValue()).toBe(TYPED);
  const lengths = await page.evaluate(() => (window as unknown as { lengths: number[] }).lengths);
  tell("web_updates_per_s", "1/s", [made / seconds]);
  tell("web_updates_key_ms", "ms", lengths.length > 0 ? lengths : [16]);
  await page.close();
});
