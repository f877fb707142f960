// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { Provider } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SignedOut } from "@/app/SignedOut";
import { DeploymentRunDocument, WhoDocument } from "@/generated/graphql";
import { makeClient } from "@/lib/graphql";
import { isSignedOut, noteAnswered, watchSession } from "@/lib/session";
import { useAct } from "@/ui/act";

let isThere: boolean;
let sent: { tags: string[]; idempotencyKey: string }[];
let stop: () => void;
let who: { __typename: string; id: string; displayName: string };

const ANA = { __typename: "User", id: "user_1", displayName: "Ana" };
const BEN = { __typename: "User", id: "user_2", displayName: "Ben" };

beforeEach(() => {
  [isThere, sent, who] = [true, [], ANA];
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true;
  };
  vi.stubGlobal("fetch", async (_: unknown, init: RequestInit) => {
    const { operationName, variables } = JSON.parse(String(init.body)) as { operationName?: string; variables?: { input: { tags: string[]; idempotencyKey: string } } };
    if (!isThere) return Response.json({ errors: [{ message: "Sign in.", extensions: { code: "UNAUTHENTICATED" } }] }, { status: 401 });
    if (operationName === "Who" || variables === undefined) return Response.json({ data: { viewer: { __typename: "Viewer", actor: who } } });
    sent.push(variables.input);
    return Response.json({ data: { flowRunCreate: { __typename: "FlowRunPayload", flowRun: null, errors: [] } } });
  });
});

afterEach(() => {
  stop();
  cleanup();
  vi.unstubAllGlobals();
});

function Form() {
  const [text, setText] = useState("");
  const { act: send } = useAct(DeploymentRunDocument);
  const [isOut, setOut] = useState(isSignedOut());
  stop = watchSession(() => setOut(isSignedOut()));
  return (
    <>
      <input aria-label="Tag" value={text} onChange={(event) => setText(event.target.value)} />
      <button type="button" onClick={() => void send({ input: { workspaceId: "ws_1", deploymentId: "dep_1", tags: [text] } })}>Send</button>
      {isOut && <SignedOut />}
    </>
  );
}

test("a form stays when the session ends, and is sent once one has signed in again", async () => {
  noteAnswered();
  render(<Provider value={makeClient()}><Form /></Provider>);
  fireEvent.change(screen.getByLabelText("Tag"), { target: { value: "mine" } });
  isThere = false;

  fireEvent.click(screen.getByRole("button", { name: "Send" }));
  await screen.findByRole("heading", { name: "Your session has ended" });
  fireEvent.click(screen.getByRole("button", { name: "I have signed in" }));
  await screen.findByText("You are not signed in yet.");
  expect(screen.getByLabelText("Tag")).toHaveProperty("value", "mine");

  isThere = true;
  act(() => void window.dispatchEvent(new Event("focus")));
  await waitFor(() => expect(screen.queryByRole("heading")).toBeNull());
  fireEvent.click(screen.getByRole("button", { name: "Send" }));

  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({ tags: ["mine"] });
});

test("a page of one person is not gone on with by another", async () => {
  const client = makeClient();
  await client.query(WhoDocument, {}).toPromise();
  render(<Provider value={client}><Form /></Provider>);
  isThere = false;
  fireEvent.click(screen.getByRole("button", { name: "Send" }));
  await screen.findByRole("heading", { name: "Your session has ended" });

  [isThere, who] = [true, BEN];
  // What is read again meanwhile names who asks by then.
  await client.query(WhoDocument, {}, { requestPolicy: "network-only" }).toPromise();
  fireEvent.click(screen.getByRole("button", { name: "I have signed in" }));
  await screen.findByText("You are Ben now, and this page is of Ana: sign in as them, or leave it.");

  who = ANA;
  fireEvent.click(screen.getByRole("button", { name: "I have signed in" }));
  await waitFor(() => expect(screen.queryByRole("heading")).toBeNull());
  expect(sent).toEqual([]);
});

test("another person who signs in over a session is told of, though nothing had ended", async () => {
  const client = makeClient();
  await client.query(WhoDocument, {}).toPromise();
  render(<Provider value={client}><Form /></Provider>);
  expect(screen.queryByRole("heading")).toBeNull();

  who = BEN;
  await act(async () => void (await client.query(WhoDocument, {}, { requestPolicy: "network-only" }).toPromise()));

  await screen.findByRole("heading", { name: "Your session has ended" });
});
