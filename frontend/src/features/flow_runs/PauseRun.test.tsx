// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PauseRun } from "@/features/flow_runs/PauseRun";
import type { Scope } from "@/generated/graphql";
import { Scopes } from "@/lib/scopes";

let sent: unknown[];
let refusal: { code: string; message: string; path: string[] } | undefined;

beforeEach(() => {
  [sent, refusal] = [[], undefined];
});

afterEach(cleanup);

function draw({ hasDeployment = true, scopes = ["RUNS_WRITE"] as readonly Scope[], onClose = () => undefined as void } = {}): void {
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      sent.push((JSON.parse(String(init?.body)) as { variables: { input: unknown } }).variables.input);
      const errors = refusal ? [{ __typename: "ConflictError", ...refusal }] : [];
      return Response.json({ data: { flowRunRequestPause: { flowRun: null, errors } } });
    },
  });
  render(
    <Provider value={client}>
      <Scopes.Provider value={new Set(scopes)}>
        <PauseRun runId="run_1" hasDeployment={hasDeployment} onClose={onClose} onDone={() => undefined} />
      </Scopes.Provider>
    </Provider>,
  );
}

test("a run is asked to pause, and why", async () => {
  let isClosed = false;
  draw({ onClose: () => void (isClosed = true) });
  fireEvent.change(screen.getByLabelText("Why"), { target: { value: " the warehouse is down " } });

  fireEvent.click(screen.getByRole("button", { name: "Pause the run" }));

  await waitFor(() => expect(isClosed).toBe(true));
  expect(sent).toEqual([{ id: "run_1", suspend: false, reason: "the warehouse is down" }]);
});

test("a refusal stands beside its field, and the window stays", async () => {
  refusal = { code: "CONFLICT", message: "PAUSE was asked of this run before.", path: ["suspend"] };
  let isClosed = false;
  draw({ onClose: () => void (isClosed = true) });
  fireEvent.change(screen.getByLabelText("How"), { target: { value: "suspend" } });

  fireEvent.click(screen.getByRole("button", { name: "Suspend the run" }));

  await waitFor(() => expect(screen.getByLabelText("How").getAttribute("aria-invalid")).toBe("true"));
  expect(screen.getByText("PAUSE was asked of this run before.")).toBeDefined();
  expect(sent).toEqual([{ id: "run_1", suspend: true }]);
  expect(isClosed).toBe(false);
});

test("a run that nothing can start again is not offered to be suspended", () => {
  draw({ hasDeployment: false });

  expect(screen.queryByRole("option", { name: /^Suspend/ })).toBeNull();
});

test("without the right, nothing is sent, and it says so", () => {
  draw({ scopes: [] });

  fireEvent.click(screen.getByRole("button", { name: /^Pause the run/ }));

  expect(screen.getByRole("button", { name: /^Pause the run/ }).getAttribute("aria-disabled")).toBe("true");
  expect(sent).toEqual([]);
});
