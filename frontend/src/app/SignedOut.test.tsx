// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { Provider } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SignedOut } from "@/app/SignedOut";
import { DeploymentRunDocument } from "@/generated/graphql";
import { makeClient } from "@/lib/graphql";
import { isSignedOut, noteSignedIn, watchSession } from "@/lib/session";
import { useAct } from "@/ui/act";

let isThere: boolean;
let sent: { tags: string[]; idempotencyKey: string }[];
let stop: () => void;

beforeEach(() => {
  [isThere, sent] = [true, []];
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true;
  };
  vi.stubGlobal("fetch", async (_: unknown, init: RequestInit) => {
    const { variables } = JSON.parse(String(init.body)) as { variables?: { input: { tags: string[]; idempotencyKey: string } } };
    if (!isThere) return Response.json({ errors: [{ message: "Sign in.", extensions: { code: "UNAUTHENTICATED" } }] }, { status: 401 });
    if (variables === undefined) return Response.json({ data: { viewer: { actor: { id: "user_1" } } } });
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
  noteSignedIn();
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
