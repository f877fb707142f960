/** What the page says over its socket, and what it is told: kept for tests/fixtures/wire_browser.py. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser, openSignedIn, place } from "./browser";

interface Frame {
  socket: number;
  isSent: boolean;
  message: unknown;
}

let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
});

test("a workspace, a run and its log are followed", async () => {
  const context = await openSignedIn(browser, {});
  const page = await context.newPage();
  const frames: Frame[] = [];
  let sockets = 0;
  page.on("websocket", (socket) => {
    sockets += 1;
    const number = sockets;
    const keep = (isSent: boolean) => (frame: { payload: string | Buffer }) => {
      frames.push({ socket: number, isSent, message: JSON.parse(String(frame.payload)) });
    };
    socket.on("framesent", keep(true));
    socket.on("framereceived", keep(false));
  });

  await page.goto(place.url);
  await page.getByRole("link", { name: "Default", exact: false }).first().click();
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  spawn(process.env["HEADGATE_PYTHON"] ?? "python3", [process.env["HEADGATE_FLOWS"] ?? ""], { stdio: "ignore" });
  const row = page.getByRole("row").filter({ hasText: "lasting" });
  await row.getByText("Running").waitFor();
  await row.getByRole("link").first().click();
  await page.getByRole("log").getByText("step 3").waitFor();
  await page.locator("header [data-state=COMPLETED]").first().waitFor();

  expect(frames.some((frame) => frame.isSent)).toBe(true);
  writeFileSync(`${place.shots}/frames.json`, JSON.stringify(frames));
});
