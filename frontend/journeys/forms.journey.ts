/** Somebody writes into forms while others change things, a session ends, and keys are pressed by accident. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { barriersOf, complaintsOf, openBrowser, openSignedIn, place } from "./browser";

const SET = "mutation ($input: VariableSetInput!) { variableSet(input: $input) { errors { message } } }";
const WORKSPACE = '{ workspace(organization: "default", slug: "default") { id } }';
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

async function ask(query: string, variables: unknown = {}): Promise<Record<string, { id: string }>> {
  return await page.evaluate(async (body) => {
    const answer = await fetch("/graphql", { method: "POST", headers: { "x-headgate": "1", "content-type": "application/json" }, body: JSON.stringify(body) });
    return (await answer.json()).data;
  }, { query, variables });
}

function focused(): Promise<string | undefined> {
  return page.evaluate(() => (document.activeElement as HTMLInputElement | null)?.labels?.[0]?.textContent ?? document.activeElement?.textContent ?? undefined);
}

describe("somebody writes into forms", () => {
  test("a dialog begins in its first field, and Escape asks before it drops what was written", async () => {
    await page.goto(`${place.url}/default/default/variables`);
    await page.getByRole("button", { name: "New variable" }).click();
    const dialog = page.getByRole("dialog");
    await expect.poll(focused).toContain("Name");
    await page.keyboard.type("kept");

    await page.keyboard.press("Escape");
    await dialog.getByText("What you wrote is not saved.").waitFor();
    await expect.poll(focused).toBe("Keep writing");
    expect(await barriersOf(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.mouse.click(5, 5);
    await dialog.getByRole("button", { name: "Keep writing" }).click();

    expect(await dialog.getByLabel("Name").inputValue()).toBe("kept");
  });

  test("a session that ends takes no form away: it is sent once one has signed in again", async () => {
    const dialog = page.getByRole("dialog", { name: "New variable" });
    await dialog.getByLabel("Value").fill("mine");
    const cookies = await context.cookies();
    await context.clearCookies();
    await dialog.getByRole("button", { name: "Make it" }).click();

    const asking = page.getByRole("dialog", { name: "Your session has ended" });
    await asking.waitFor();
    await page.keyboard.press("Escape");
    await asking.getByRole("button", { name: "I have signed in" }).click();
    await asking.getByText("You are not signed in yet.").waitFor();
    expect(await barriersOf(page)).toEqual([]);
    await context.addCookies(cookies);
    await asking.getByRole("button", { name: "I have signed in" }).click();
    await asking.waitFor({ state: "detached" });
    expect(await dialog.getByLabel("Value").inputValue()).toBe("mine");
    await dialog.getByRole("button", { name: "Make it" }).click();

    await page.getByText("kept is set.").waitFor();
  });

  test("where the code of that window does not come, the same stands over the page", async () => {
    const theirs = await browser.newContext({ storageState: await context.storageState() });
    const other = await theirs.newPage();
    await other.route(/SignedOut/, (route) => route.abort());
    await other.goto(`${place.url}/default/default/variables`);
    await other.getByRole("button", { name: "New variable" }).first().waitFor();
    await theirs.clearCookies();
    await other.getByRole("navigation", { name: "Workspace" }).getByRole("link", { name: "Limits", exact: true }).click();

    const notice = other.getByRole("alert").filter({ has: other.getByRole("link", { name: "Sign in in another tab" }) });
    await notice.waitFor();
    expect((await notice.boundingBox())?.y).toBe(0);
    expect(await barriersOf(other, ".notice")).toEqual([]);
    await theirs.close();
  });

  test("a name that is taken is refused at its field", async () => {
    await page.getByRole("button", { name: "New variable" }).click();
    const dialog = page.getByRole("dialog", { name: "New variable" });
    await dialog.getByLabel("Name").fill("kept");
    await dialog.getByLabel("Value").fill("another");
    await dialog.getByRole("button", { name: "Make it" }).click();

    await dialog.getByText("There is one of this name already.").waitFor();
    expect(await dialog.getByLabel("Name").getAttribute("aria-invalid")).toBe("true");
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  test("what another changes meanwhile is not written over unasked", async () => {
    await page.getByRole("row", { name: /kept/ }).click();
    await page.getByRole("button", { name: "Change", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "kept" });
    await dialog.getByLabel("Value").fill("mine again");
    const { workspace } = await ask(WORKSPACE);
    await ask(SET, { input: { workspaceId: workspace?.id, name: "kept", value: "theirs" } });

    await dialog.getByText("Somebody has changed it since you began.").waitFor();
    expect(await dialog.getByLabel("Value").inputValue()).toBe("mine again");
    await dialog.getByRole("button", { name: /^Keep mine/ }).click();
    await dialog.getByRole("button", { name: "Save" }).click();

    await page.getByText("kept is set.").waitFor();
    await page.locator("td", { hasText: '"mine again"' }).waitFor();
  });

  test("a field that narrows a list keeps its caret while the address follows", async () => {
    await page.goto(`${place.url}/default/default/variables`);
    const field = page.getByRole("searchbox", { name: "Name of the variable" });
    await field.pressSequentially("kt");
    await page.waitForURL(/name=kt/);
    await field.press("ArrowLeft");
    await field.pressSequentially("ep", { delay: 50 });
    await page.waitForURL(/name=kept/);

    expect(await field.inputValue()).toBe("kept");
    await page.getByRole("row", { name: /kept/ }).waitFor();
  });

  test("nothing was broken on the way", () => {
    expect(complaints.filter((each) => !each.includes("401"))).toEqual([]);
  });
});
