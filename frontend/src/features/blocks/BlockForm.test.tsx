// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, expect, test } from "vitest";
import { BlockForm } from "@/features/blocks/BlockForm";
import type { BlockTypeRowFragment } from "@/generated/graphql";
import { Scopes } from "@/lib/scopes";

const TYPE = {
  id: "bt_1", slug: "sink", name: "Sink", description: null, schemas: { nodes: [{ id: "bs_1", number: 1, fields: { type: "object", properties: { hosts: { type: "array", title: "Hosts" } } }, secretPaths: [] }] },
} as unknown as BlockTypeRowFragment;

let sent: unknown[];

function draw(block: { name: string; version: number; data: unknown; secrets: [] } | undefined) {
  sent = [];
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      const { variables } = JSON.parse(String(init?.body)) as { variables: { input: unknown } };
      sent.push(variables.input);
      return Response.json({ data: { blockDocumentUpsert: { blockDocument: null, errors: [] } } });
    },
  });
  render(
    <Provider value={client}>
      <Scopes.Provider value={new Set(["BLOCKS_WRITE"] as const)}>
        <BlockForm workspaceId="ws_1" type={TYPE} block={block} onSaved={() => undefined} />
      </Scopes.Provider>
    </Provider>,
  );
}

afterEach(cleanup);

test("a field whose text is no JSON is not saved as what it was before", () => {
  draw({ name: "a", version: 3, data: { hosts: ["one"] }, secrets: [] });

  fireEvent.change(screen.getByLabelText("Hosts"), { target: { value: '["one", ' } });
  fireEvent.submit(screen.getByRole("form", { name: "Sink" }));

  expect(sent).toEqual([]);
  expect(screen.getByRole("button", { name: /^Save/ })).toHaveProperty("ariaDisabled", "true");
  expect(screen.getByText(/^This is not JSON/)).toBeDefined();
});
