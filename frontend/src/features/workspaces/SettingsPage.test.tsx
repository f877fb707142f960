// @vitest-environment jsdom
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { type Client, Provider } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SettingsPage } from "@/features/workspaces/SettingsPage";
import { WorkspaceSettingsDocument } from "@/generated/graphql";
import { makeClient } from "@/lib/graphql";
import { PlaceNow } from "@/lib/place";
import { Scopes } from "@/lib/scopes";

const PLACE = { organization: "acme", workspace: "main" };

let stored: { name: string; version: number };
let sent: { expectedVersion: number; name: string }[];
let client: Client;

function shown() {
  const retention = { __typename: "WorkspaceRetention", runsDays: 30, logsDays: 30, eventsDays: 30 };
  return { __typename: "Workspace", id: "ws_1", slug: "main", archivedAt: null, retention, updatedAt: "2026-11-30T00:00:00Z", ...stored };
}

beforeEach(() => {
  [stored, sent] = [{ name: "Main", version: 3 }, []];
  vi.stubGlobal("scrollTo", () => undefined);
  vi.stubGlobal("fetch", async (_: unknown, init: RequestInit) => {
    const { operationName, variables } = JSON.parse(String(init.body)) as { operationName: string; variables: { input: { expectedVersion: number; name: string } } };
    if (operationName === "WorkspaceSettings") return Response.json({ data: { workspace: shown() } });
    sent.push(variables.input);
    stored = { name: variables.input.name, version: stored.version + 1 };
    return Response.json({ data: { workspaceUpdate: { __typename: "WorkspacePayload", workspace: shown(), errors: [] } } });
  });
  client = makeClient();
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function draw(): Promise<HTMLElement> {
  const rootRoute = createRootRoute({ component: SettingsPage });
  const router = createRouter({ routeTree: rootRoute, history: createMemoryHistory({ initialEntries: ["/"] }) });
  render(
    <Provider value={client}>
      <PlaceNow.Provider value={PLACE}>
        <Scopes.Provider value={new Set(["ORG_ADMIN"] as const)}>
          <RouterProvider router={router as never} />
        </Scopes.Provider>
      </PlaceNow.Provider>
    </Provider>,
  );
  return await screen.findByLabelText(/^Name/);
}

async function changeElsewhere(name: string): Promise<void> {
  stored = { name, version: stored.version + 1 };
  await act(async () => {
    await client.query(WorkspaceSettingsDocument, PLACE, { requestPolicy: "network-only" }).toPromise();
  });
}

test("what somebody writes stays when another changes the workspace, and is not saved over that unasked", async () => {
  fireEvent.input(await draw(), { target: { value: "Mine" } });

  await changeElsewhere("Theirs");

  expect(screen.getByLabelText(/^Name/)).toHaveProperty("value", "Mine");
  expect(screen.getByRole("alert").textContent).toContain("Somebody has changed it");
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(sent).toMatchObject([{ expectedVersion: 3, name: "Mine" }]));
});

test("one may save over it, or show theirs", async () => {
  fireEvent.input(await draw(), { target: { value: "Mine" } });
  await changeElsewhere("Theirs");

  fireEvent.click(screen.getByRole("button", { name: /^Keep mine/ }));
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(sent).toMatchObject([{ expectedVersion: 4, name: "Mine" }]));
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());

  fireEvent.input(screen.getByLabelText(/^Name/), { target: { value: "Again" } });
  await changeElsewhere("Theirs again");
  fireEvent.click(screen.getByRole("button", { name: /^Show theirs/ }));

  expect(screen.getByLabelText(/^Name/)).toHaveProperty("value", "Theirs again");
});

test("a form that nobody writes in shows what is there now", async () => {
  await draw();

  await changeElsewhere("Theirs");

  expect(screen.getByLabelText(/^Name/)).toHaveProperty("value", "Theirs");
});
