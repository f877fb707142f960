// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DrainAgent } from "@/features/work_pools/DrainAgent";
import type { Scope } from "@/generated/graphql";
import { Scopes } from "@/lib/scopes";

let sent: unknown[];
let errors: unknown[];

beforeEach(() => {
  [sent, errors] = [[], []];
});

afterEach(cleanup);

function draw(onClose: () => void, scopes: readonly Scope[] = ["POOLS_WRITE"]): void {
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      sent.push((JSON.parse(String(init?.body)) as { variables: { input: unknown } }).variables.input);
      return Response.json({ data: { agentRequestDrain: { agent: null, errors } } });
    },
  });
  render(
    <Provider value={client}>
      <Scopes.Provider value={new Set(scopes)}>
        <DrainAgent agent={{ id: "agent_1", name: "east-1", inFlight: 2 }} onClose={onClose} onDone={() => undefined} />
      </Scopes.Provider>
    </Provider>,
  );
}

test("an agent is asked to drain until a time of this browser, and why", async () => {
  let isClosed = false;
  draw(() => void (isClosed = true));
  expect(screen.getByText(/The 2 runs that it holds go on to their end/)).toBeDefined();
  fireEvent.change(screen.getByLabelText("Done by"), { target: { value: "2999-01-01T09:30" } });
  fireEvent.change(screen.getByLabelText("Why"), { target: { value: "a new disk" } });

  fireEvent.click(screen.getByRole("button", { name: "Drain the agent" }));

  await waitFor(() => expect(isClosed).toBe(true));
  expect(sent).toEqual([{ id: "agent_1", deadline: new Date(2999, 0, 1, 9, 30).toISOString(), reason: "a new disk" }]);
});

test("a refusal stands beside its field, and the window stays", async () => {
  errors = [{ __typename: "InvalidInputError", code: "INVALID", message: "The deadline has passed.", path: ["deadline"] }];
  let isClosed = false;
  draw(() => void (isClosed = true));
  fireEvent.change(screen.getByLabelText("Done by"), { target: { value: "2001-01-01T09:30" } });

  fireEvent.click(screen.getByRole("button", { name: "Drain the agent" }));

  await waitFor(() => expect(screen.getByLabelText("Done by").getAttribute("aria-invalid")).toBe("true"));
  expect(isClosed).toBe(false);
});

test("without the right, nothing is sent", () => {
  draw(() => undefined, []);

  fireEvent.click(screen.getByRole("button", { name: /^Drain the agent/ }));

  expect(sent).toEqual([]);
});
