// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MarkRun } from "@/features/flow_runs/MarkRun";
import type { Scope, StateType } from "@/generated/graphql";
import { Scopes } from "@/lib/scopes";

let sent: Record<string, unknown>[];
let refusal: { code: string; message: string; path: string[] } | undefined;

beforeEach(() => {
  [sent, refusal] = [[], undefined];
});

afterEach(cleanup);

interface Drawn {
  type?: StateType;
  name?: string;
  scopes?: readonly Scope[];
  onClose?: () => void;
}

function draw({ type = "FAILED", name = "Failed", scopes = ["RUNS_WRITE"], onClose = () => undefined }: Drawn = {}): void {
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      sent.push((JSON.parse(String(init?.body)) as { variables: { input: Record<string, unknown> } }).variables.input);
      const errors = refusal ? [{ __typename: "ConflictError", ...refusal }] : [];
      return Response.json({ data: { flowRunSetState: { run: null, errors } } });
    },
  });
  const state = { id: "st_1", type, name, message: null, timestamp: "2026-03-01T12:00:00Z", sequence: 4 };
  render(
    <Provider value={client}>
      <Scopes.Provider value={new Set(scopes)}>
        <MarkRun run={{ id: "run_1", state }} onClose={onClose} onDone={() => undefined} />
      </Scopes.Provider>
    </Provider>,
  );
}

const why = (): HTMLElement => screen.getByLabelText(/^Why/);

test("a failed run is marked as completed, by force, for a reason and as it was seen", async () => {
  let isClosed = false;
  draw({ onClose: () => void (isClosed = true) });
  fireEvent.change(why(), { target: { value: " loaded by hand " } });

  fireEvent.click(screen.getByRole("button", { name: "Mark as completed" }));

  await waitFor(() => expect(isClosed).toBe(true));
  const { idempotencyKey, ...rest } = sent[0] ?? {};
  expect(rest).toEqual({ id: "run_1", state: { type: "COMPLETED" }, force: true, reason: "loaded by hand", expectedSequence: 4 });
  expect(idempotencyKey).toMatch(/^[0-9a-f]{32}$/);
});

test("nothing is sent without a reason", () => {
  draw();
  fireEvent.change(why(), { target: { value: "  " } });

  fireEvent.click(screen.getByRole("button", { name: /^Mark as completed/ }));

  expect(sent).toEqual([]);
});

test("every end is offered but the one that it has", () => {
  draw({ type: "COMPLETED", name: "Cached" });

  const offered = [...screen.getByLabelText("Mark as").querySelectorAll("option")].map((each) => each.value);

  expect(offered).toEqual(["FAILED", "CRASHED", "CANCELLED"]);
  expect(screen.getByText(/^It ended as Cached/)).toBeDefined();
});

test("a refusal is shown, and what was written stays", async () => {
  refusal = { code: "VERSION_CONFLICT", message: "The run is Completed by now, its state number 5; look again.", path: ["expectedSequence"] };
  let isClosed = false;
  draw({ onClose: () => void (isClosed = true) });
  fireEvent.change(screen.getByLabelText("Mark as"), { target: { value: "CANCELLED" } });
  fireEvent.change(why(), { target: { value: "of no use" } });

  fireEvent.click(screen.getByRole("button", { name: "Mark as cancelled" }));

  expect(await screen.findByText(/^The run is Completed by now/)).toBeDefined();
  expect((why() as HTMLTextAreaElement).value).toBe("of no use");
  expect(sent.map(({ state }) => state)).toEqual([{ type: "CANCELLED" }]);
  expect(isClosed).toBe(false);
});

test("who may not write runs marks none", () => {
  draw({ scopes: [] });
  fireEvent.change(why(), { target: { value: "loaded by hand" } });

  fireEvent.click(screen.getByRole("button", { name: /^Mark as completed/ }));

  expect(sent).toEqual([]);
});
