// @vitest-environment jsdom
import { act, cleanup, renderHook } from "@testing-library/react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, expect, test } from "vitest";
import { DeploymentPauseDocument, DeploymentRunDocument } from "@/generated/graphql";
import { useAct } from "@/ui/act";

type Sent = { idempotencyKey?: string };

let sent: Sent[];
let answer: unknown;

function draw<Document>(document: Document) {
  sent = [];
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      sent.push((JSON.parse(String(init?.body)) as { variables: { input: Sent } }).variables.input);
      if (answer === undefined) throw new TypeError("Failed to fetch");
      return Response.json(answer);
    },
  });
  const { result } = renderHook(() => useAct(document as typeof DeploymentRunDocument, { isQuiet: true }), {
    wrapper: ({ children }) => <Provider value={client}>{children}</Provider>,
  });
  return async (tags: string[]) => await act(() => result.current.act({ input: { workspaceId: "ws_1", tags } } as never));
}

const made = { data: { flowRunCreate: { flowRun: { id: "run_1" }, errors: [] } } };
const keys = () => sent.map(({ idempotencyKey }) => idempotencyKey);

afterEach(cleanup);

test("what no answer came to is sent again with its key; what is answered, or changed, gets another", async () => {
  const send = draw(DeploymentRunDocument);
  answer = undefined;
  await send(["a"]);
  answer = { errors: [{ message: "It broke.", extensions: { code: "INTERNAL" } }] };
  await send(["a"]);
  answer = made;
  await send(["a"]);
  await send(["a"]);
  answer = undefined;
  await send(["b"]);
  await send(["c"]);

  const [first, second, third, fourth, fifth, sixth] = keys();
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect([second, third]).toEqual([first, first]);
  expect(new Set([first, fourth, fifth, sixth]).size).toBe(4);
});

test("a mutation that takes no key gets none", async () => {
  const send = draw(DeploymentPauseDocument);
  answer = { data: { deploymentPause: { deployment: null, errors: [] } } };

  await send([]);

  expect(keys()).toEqual([undefined]);
});
