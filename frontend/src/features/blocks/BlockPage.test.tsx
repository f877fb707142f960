// @vitest-environment jsdom
import { createMemoryHistory, createRootRoute, createRoute, createRouter, Outlet, RouterProvider } from "@tanstack/react-router";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { type Client, Provider } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BlockPage } from "@/features/blocks/BlockPage";
import { BlockDocument } from "@/generated/graphql";
import { makeClient } from "@/lib/graphql";
import { PlaceNow } from "@/lib/place";
import { Scopes } from "@/lib/scopes";

const PLACE = { organization: "acme", workspace: "main" };
const FIELDS = { type: "object", properties: { host: { type: "string", title: "Host" } } };
const TYPE = { __typename: "BlockType", id: "bt_1", version: 1, slug: "sink", name: "Sink", description: null, documentationUrl: null };
const SCHEMA = { __typename: "BlockSchema", id: "bs_1", number: 1, checksum: "c", fields: FIELDS, secretPaths: [], capabilities: [] };

let stored: { version: number; data: { host: string } };
let sent: unknown[];
let client: Client;

function answer() {
  const block = {
    __typename: "BlockDocument", id: "block_1", name: "out", reference: "sink/out", updatedAt: "2026-11-30T00:00:00Z", missing: [], secrets: [], referredBy: [], deployments: [], type: TYPE, schema: SCHEMA, ...stored,
  };
  const type = { ...TYPE, schemas: { __typename: "BlockSchemaConnection", nodes: [SCHEMA] } };
  return Response.json({ data: { workspace: { __typename: "Workspace", id: "ws_1", blockType: type, blockDocument: block } } });
}

beforeEach(() => {
  [stored, sent] = [{ version: 3, data: { host: "one" } }, []];
  vi.stubGlobal("scrollTo", () => undefined);
  vi.stubGlobal("fetch", async (_: unknown, init: RequestInit) => {
    const { operationName, variables } = JSON.parse(String(init.body)) as { operationName: string; variables: { input: unknown } };
    if (operationName === "Block") return answer();
    sent.push(variables.input);
    const errors = [{ __typename: "VersionConflictError", code: "VERSION_CONFLICT", message: "Someone changed it.", path: null }];
    return Response.json({ data: { blockDocumentUpsert: { __typename: "BlockDocumentPayload", blockDocument: null, created: false, errors } } });
  });
  client = makeClient();
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function draw(): Promise<HTMLElement> {
  const root = createRootRoute({ component: Outlet });
  const page = createRoute({ getParentRoute: () => root, path: "/$organization/$workspace/blocks/$type/$block", component: BlockPage });
  const router = createRouter({ routeTree: root.addChildren([page]), history: createMemoryHistory({ initialEntries: ["/acme/main/blocks/sink/out"] }) });
  render(
    <Provider value={client}>
      <PlaceNow.Provider value={PLACE}>
        <Scopes.Provider value={new Set(["BLOCKS_WRITE"] as const)}>
          <RouterProvider router={router as never} />
        </Scopes.Provider>
      </PlaceNow.Provider>
    </Provider>,
  );
  return await screen.findByLabelText("Host");
}

async function changeElsewhere(host: string): Promise<void> {
  stored = { version: stored.version + 1, data: { host } };
  await act(async () => {
    await client.query(BlockDocument, { ...PLACE, reference: "sink/out", type: "sink" }, { requestPolicy: "network-only" }).toPromise();
  });
}

test("what is written into a block stays when it changes, and is saved against what was read", async () => {
  fireEvent.input(await draw(), { target: { value: "mine" } });

  await changeElsewhere("theirs");
  expect(screen.getByLabelText("Host")).toHaveProperty("value", "mine");
  expect(screen.getByRole("alert").textContent).toContain("Somebody has changed it");
  fireEvent.click(screen.getByRole("button", { name: "Save" }));

  await waitFor(() => expect(sent).toMatchObject([{ expectedVersion: 3, data: { host: "mine" } }]));
  fireEvent.click(screen.getByRole("button", { name: /^Show theirs/ }));
  expect(screen.getByLabelText("Host")).toHaveProperty("value", "theirs");
});

test("a block that nobody writes in is shown as it is now", async () => {
  await draw();

  await changeElsewhere("theirs");

  expect(screen.getByLabelText("Host")).toHaveProperty("value", "theirs");
});
