// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, expect, test } from "vitest";
import { Answer, type Waiting } from "@/features/pauses/Answer";
import { Scopes } from "@/lib/scopes";

afterEach(cleanup);

test("an answer names the pause that its card shows, so that it answers no later question", async () => {
  const sent: unknown[] = [];
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      const { variables } = JSON.parse(String(init?.body)) as { variables: { input: unknown } };
      sent.push(variables.input);
      const errors = [{ __typename: "ConflictError", code: "CONFLICT", message: "The run asks for something else by now; look again.", path: ["pauseKey"] }];
      return Response.json({ data: { flowRunResume: { flowRun: null, errors } } });
    },
  });
  const pause = { runId: "run_1", key: "ship-it", createdAt: "2026-11-30T10:00:00.000001Z", schema: null, initial: null, run: { name: "etl" } } as unknown as Waiting;
  render(
    <Provider value={client}>
      <Scopes.Provider value={new Set(["RUNS_WRITE"] as const)}>
        <Answer pause={pause} onDone={() => undefined} />
      </Scopes.Provider>
    </Provider>,
  );

  fireEvent.click(screen.getByRole("button", { name: "Approve" }));

  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({ id: "run_1", pauseKey: "ship-it", pausedAt: "2026-11-30T10:00:00.000001Z", reject: false });
  expect((await screen.findByRole("alert")).textContent).toContain("something else by now");
});
