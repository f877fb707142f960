// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { type ReactNode } from "react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, expect, test } from "vitest";
import { QueueForm } from "@/features/work_pools/QueueForm";
import type { QueueRowFragment } from "@/generated/graphql";
import { Scopes } from "@/lib/scopes";

let sent: unknown[];

function around(form: ReactNode) {
  sent = [];
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      sent.push((JSON.parse(String(init?.body)) as { variables: { input: unknown } }).variables.input);
      const errors = [{ __typename: "ConflictError", code: "CONFLICT", message: "There is one of this name already.", path: ["name"] }];
      return Response.json({ data: { workQueueUpsert: { workQueue: null, errors } } });
    },
  });
  return (
    <Provider value={client}>
      <Scopes.Provider value={new Set(["POOLS_WRITE"] as const)}>{form}</Scopes.Provider>
    </Provider>
  );
}

const nothing = (): void => undefined;

function queue(version: number): QueueRowFragment {
  return { id: "wq_1", name: "fast", priority: 1, concurrencyLimit: null, paused: false, version } as QueueRowFragment;
}

afterEach(cleanup);

test("what is new is not written over what has its name: the field says so", async () => {
  render(around(<QueueForm poolId="wp_1" queue={undefined} onClose={nothing} onDone={nothing} />));
  fireEvent.change(screen.getByLabelText(/^Name/), { target: { value: "fast" } });

  fireEvent.click(screen.getByRole("button", { name: "Make the queue" }));

  await waitFor(() => expect(screen.getByLabelText(/^Name/).getAttribute("aria-invalid")).toBe("true"));
  expect(sent).toMatchObject([{ name: "fast", expectedVersion: 0 }]);
  expect(screen.getByText("There is one of this name already.")).toBeDefined();
});

test("what is changed is changed from the version at which one began, whatever it has become", async () => {
  const { rerender } = render(around(<QueueForm poolId="wp_1" queue={queue(3)} onClose={nothing} onDone={nothing} />));
  rerender(around(<QueueForm poolId="wp_1" queue={queue(4)} onClose={nothing} onDone={nothing} />));
  expect(screen.getByRole("alert").textContent).toContain("Somebody has changed it");

  fireEvent.click(screen.getByRole("button", { name: "Change the queue" }));
  await waitFor(() => expect(sent).toMatchObject([{ expectedVersion: 3 }]));

  fireEvent.click(screen.getByRole("button", { name: /^Keep mine/ }));
  fireEvent.click(screen.getByRole("button", { name: "Change the queue" }));
  await waitFor(() => expect(sent).toMatchObject([{ expectedVersion: 3 }, { expectedVersion: 4 }]));
});
