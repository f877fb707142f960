// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, expect, test, vi } from "vitest";
import { RunLog } from "@/features/flow_runs/RunLog";
import type { Scope } from "@/generated/graphql";
import { Scopes } from "@/lib/scopes";

const NO_LINES = { nodes: [], pageInfo: { hasPreviousPage: false, startCursor: null, endCursor: null } };

function draw(scopes: readonly Scope[], answer: () => Promise<Response>) {
  const fetch = vi.fn(answer);
  const client = createClient({ url: "http://test.invalid/graphql", preferGetMethod: false, exchanges: [fetchExchange], fetch });
  render(
    <Provider value={client}>
      <Scopes.Provider value={new Set(scopes)}>
        <RunLog runId="run_1" isOver task={undefined} onTask={() => undefined} />
      </Scopes.Provider>
    </Provider>,
  );
  return fetch;
}

afterEach(cleanup);

test("who may not read logs is told which permission it takes, and asks for none", () => {
  const fetch = draw(["RUNS_READ"], async () => Response.json({ data: null }));

  expect(screen.getByText("logs:read")).toBeDefined();
  expect(screen.queryByText("Reading the log…")).toBeNull();
  expect(fetch).not.toHaveBeenCalled();
});

test("a log that could not be read says so, and is read when one asks again", async () => {
  let isThere = false;
  draw(["RUNS_READ", "LOGS_READ"], async () => {
    if (!isThere) throw new TypeError("Failed to fetch");
    return Response.json({ data: { flowRun: { id: "run_1", logs: NO_LINES } } });
  });
  await screen.findByText("The log could not be read: The server does not answer.", { exact: false });
  expect(screen.queryByText("Reading the log…")).toBeNull();

  isThere = true;
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));

  await vi.waitFor(() => expect(screen.queryByRole("button", { name: "Try again" })).toBeNull());
});
