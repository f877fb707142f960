// @vitest-environment jsdom
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { createClient, fetchExchange, Provider, subscriptionExchange } from "urql";
import { afterEach, expect, test } from "vitest";
import { nextInstant, WhyNotRunning } from "@/features/flow_runs/WhyNotRunning";
import { PlaceNow } from "@/lib/place";

interface Cause {
  code: string;
  message: string;
  queuePosition?: number;
  expectedStart?: string;
  holders: never[];
  backgroundTasks: never[];
}

const PLACE = { organization: "acme", workspace: "etl" };

function cause(message: string, more: Partial<Cause> = {}): Cause {
  return { code: "WAITS_FOR_TURN", message, holders: [], backgroundTasks: [], ...more };
}

/** A server that tells what happens, and what keeps a run back. */
class Server {
  happen: () => void = () => undefined;

  constructor(public causes: readonly Cause[]) {}

  draw(stateId = "state_1") {
    const client = createClient({
      url: "http://test.invalid/graphql",
      preferGetMethod: false,
      exchanges: [
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: () => ({
            subscribe: (sink) => {
              this.happen = () => sink.next({ data: { workspaceEvents: { cursor: "1", gap: false, caughtUp: true, events: [{ id: "event_1" }] } } });
              return { unsubscribe: () => undefined };
            },
          }),
        }),
      ],
      fetch: async (_, init) => {
        const isPlace = String(init?.body).includes("PlaceScopes");
        const found = isPlace ? { workspace: { id: "ws_1", name: "ETL", viewerScopes: [] } } : { flowRun: { id: "run_1", whyNotRunning: this.causes } };
        return Response.json({ data: found });
      },
    });
    const drawn = (state: string) => (
      <Provider value={client}>
        <PlaceNow.Provider value={PLACE}>
          <WhyNotRunning runId="run_1" stateId={state} />
        </PlaceNow.Provider>
      </Provider>
    );
    const { rerender } = render(drawn(stateId));
    return (state: string) => rerender(drawn(state));
  }
}

afterEach(cleanup);

test("a run moves up as others are served, and what kept it back goes with its start", async () => {
  const server = new Server([cause("It waits for its turn.", { queuePosition: 3 })]);
  server.draw();
  await screen.findByText("3 before it");

  server.causes = [cause("It waits for its turn.", { queuePosition: 2 })];
  server.happen();
  await screen.findByText("2 before it");
  server.causes = [];
  server.happen();

  await waitFor(() => expect(screen.queryByRole("region")).toBeNull(), { timeout: 4_000 });
});

test("a cause that goes by itself is gone at its instant", async () => {
  const server = new Server([cause("It waits until then.", { expectedStart: new Date(Date.now() + 400).toISOString() })]);
  server.draw();
  await screen.findByText("It waits until then.");

  server.causes = [];

  await waitFor(() => expect(screen.queryByRole("region")).toBeNull(), { timeout: 3_000 });
});

test("another state has other causes", async () => {
  const server = new Server([cause("It waits for its turn.")]);
  const as = server.draw("state_1");
  await screen.findByText("It waits for its turn.");

  server.causes = [cause("It waits to be tried again.")];
  as("state_2");

  await screen.findByText("It waits to be tried again.");
});

test("the next instant is the first that is still to come", () => {
  const at = (seconds: number) => ({ expectedStart: new Date(seconds * 1000).toISOString() });

  expect(nextInstant([at(5), at(30), { expectedStart: null }, at(20)], 10_000)).toBe(20_000);
  expect(nextInstant([at(5)], 10_000)).toBeUndefined();
});
