/** An owner settles in: first steps, a workspace, keys, blocks and variables; invites somebody, who may do less. */
import { spawn } from "node:child_process";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { complaintsOf, openBrowser, openSignedIn, place } from "./browser";

const SECRET = "only-the-server-knows-this-1";
const HOSTILE = "<script>document.title = 'taken'</script>";
const FIELDS = {
  type: "object",
  required: ["host"],
  properties: { host: { type: "string" }, login: { type: "object", properties: { user: { type: "string" }, password: { type: "string", format: "password" } } } },
};
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];
const answers: string[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  context = await openSignedIn(browser, { viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  complaints = complaintsOf(page);
  page.on("response", (response) => {
    if (response.url().endsWith("/graphql")) void response.text().then((text) => answers.push(text), () => undefined);
  });
});

afterAll(async () => {
  await browser?.close();
});

async function ask(query: string, variables: unknown): Promise<Record<string, unknown>> {
  const given = { query, variables };
  return await page.evaluate(async (body) => {
    const answer = await fetch("/graphql", { method: "POST", headers: { "x-headgate": "1", "content-type": "application/json" }, body: JSON.stringify(body) });
    const { data } = await answer.json();
    return data;
  }, given);
}

function run(name: string): Promise<number | null> {
  const [command, script] = [process.env["HEADGATE_PYTHON"] ?? "python3", process.env["HEADGATE_FLOWS"] ?? ""];
  const process_ = spawn(command, [script, name], { stdio: "ignore" });
  return new Promise((resolve) => process_.on("exit", resolve));
}

describe("an owner settles in", () => {
  test("who signs in lands on their workspaces, not on their account", async () => {
    await page.goto(place.url);
    await page.getByRole("heading", { name: "Workspaces", level: 1 }).waitFor();
  });

  test("a first step lights up when it is done, without a reload", async () => {
    await page.goto(`${place.url}/default/default/start`);
    const step = page.getByRole("listitem").filter({ hasText: "Run a flow" });
    await step.waitFor();
    await page.getByText(`headgate login --api-url ${place.url} --workspace default/default`).or(page.getByText("A key of yours works.")).waitFor();
    await expect(run("greets")).resolves.toBe(0);

    await step.getByText("completed.").waitFor();
    await expect.poll(() => page.title()).toMatch(/^[2-5] of 5 · First steps/);
  });

  test("a workspace is made, and is where one goes", async () => {
    await page.goto(`${place.url}/default/~`);
    await page.getByRole("button", { name: "New workspace" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Second Sight");
    await page.getByText("default/second-sight").waitFor();
    await page.getByRole("button", { name: "Make it" }).click();
    await page.waitForURL(/\/default\/second-sight\/start$/);
    await page.getByRole("button", { name: /go to another workspace/ }).click();
    await page.getByRole("menuitem", { name: "Default default" }).click();

    await page.waitForURL(/\/default\/default$/);
  });

  test("a key is shown once, and its end is at once", async () => {
    await page.goto(`${place.url}/default/~/keys`);
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("laptop");
    await page.getByRole("button", { name: "Make it" }).click();
    const secret = (await page.locator(".dialog code").textContent()) ?? "";
    expect(secret).toMatch(/^hg_key_/);
    await page.getByRole("button", { name: "I have copied it" }).click();
    await page.getByRole("row").filter({ hasText: "laptop" }).waitFor();
    expect(await page.content()).not.toContain(secret);
    await page.getByRole("button", { name: "What can be done with laptop" }).click();
    await page.getByRole("menuitem", { name: "Revoke…" }).click();
    await page.getByRole("button", { name: "Revoke it" }).click();

    await page.getByRole("row").filter({ hasText: "laptop" }).waitFor({ state: "detached" });
  });

  test("a block's secret goes in and is nowhere to be seen", async () => {
    const found = await ask("{ workspace(organization: \"default\", slug: \"default\") { id } }", {});
    const { id: workspaceId } = found["workspace"] as { id: string };
    const made = await ask("mutation ($input: BlockTypeUpsertInput!) { blockTypeUpsert(input: $input) { blockType { id } } }", { input: { workspaceId, slug: "store", name: "Store" } });
    const { blockType } = made["blockTypeUpsert"] as { blockType: { id: string } };
    await ask("mutation ($input: BlockSchemaRegisterInput!) { blockSchemaRegister(input: $input) { blockSchema { id } } }", { input: { blockTypeId: blockType.id, fields: FIELDS } });
    await page.goto(`${place.url}/default/default/blocks/new`);
    await page.getByRole("link", { name: "Store" }).click();
    await page.getByLabel("Name").fill("main");
    await page.getByLabel("Host").fill("db.internal.example");
    await page.getByLabel("Password").fill(SECRET);
    answers.length = 0;
    await page.getByRole("button", { name: "Make it" }).click();
    await page.waitForURL(/\/blocks\/store\/main$/);
    await page.getByText(/^set · /).waitFor();
    expect(await page.getByLabel("Host").inputValue()).toBe("db.internal.example");

    await page.reload();
    await page.getByText(/^set · /).waitFor();
    expect(answers.length).toBeGreaterThan(1);
    expect(`${answers.join()} ${await page.content()}`).not.toContain(SECRET);
  });

  test("a variable of a hostile value is only text, and an old value comes back", async () => {
    await page.goto(`${place.url}/default/default/variables`);
    await page.getByRole("button", { name: "New variable" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("greeting");
    await dialog.getByLabel("Value").fill(HOSTILE);
    await dialog.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("row").filter({ hasText: "greeting" }).click();
    await page.getByRole("button", { name: "Change" }).click();
    await dialog.getByLabel("Value").fill("hello");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("row").filter({ hasText: "hello" }).waitFor();
    await page.getByRole("button", { name: "Put back" }).click();

    await page.getByRole("row").filter({ hasText: HOSTILE }).waitFor();
    expect(await page.title()).toMatch(/^Variables/);
  });

  test("the API answers in the explorer with one's own rights", async () => {
    await page.goto(`${place.url}/default/default/api`);
    await page.getByRole("button", { name: "Run", exact: true }).click();

    await page.getByRole("region", { name: "Answer" }).getByText('"name": "Default"').waitFor();
  });

  test("somebody invited joins, lands in the application, and is told what they may not do", async () => {
    await page.goto(`${place.url}/default/~/members`);
    await page.getByRole("button", { name: "Invite somebody" }).click();
    await page.getByLabel("Address").fill("viewer@example.com");
    await page.getByLabel("Viewer").check();
    await page.getByRole("button", { name: "Invite", exact: true }).click();
    const link = (await page.locator(".dialog code").textContent()) ?? "";
    const other = await browser.newContext();
    const theirs = await other.newPage();
    await theirs.goto(link);
    await theirs.locator("input[name=name]:visible").fill("Vera");
    for (const field of await theirs.locator("input[type=password]:visible").all()) await field.fill("seven quiet lanterns 42");
    await theirs.locator("form:visible button").first().click();
    await theirs.waitForURL(/sign-in/);
    await theirs.fill("input[type=email]", "viewer@example.com");
    await theirs.fill("input[type=password]", "seven quiet lanterns 42");
    await theirs.locator("form:visible button").first().click();
    await theirs.getByRole("heading", { name: "Workspaces", level: 1 }).waitFor();
    await theirs.goto(`${place.url}/default/default/variables`);
    const button = theirs.getByRole("button", { name: "New variable" });
    await button.waitFor();

    await expect.poll(() => button.getAttribute("title")).toContain("variables:write");
    await other.storageState({ path: `${place.shots}/viewer.json` });
    await theirs.goto(`${place.url}/default/~/audit`);
    await theirs.getByText("You may not see this.").waitFor();
    await other.close();
  });

  test("what was done is in the audit log", async () => {
    await page.goto(`${place.url}/default/~/audit`);
    for (const action of ["workspace.created", "api_key.revoked", "block_document.created", "variable.updated"]) {
      await page.getByText(action, { exact: true }).first().waitFor();
    }
  });

  test("nothing was complained of", () => {
    expect(complaints).toEqual([]);
  });
});
