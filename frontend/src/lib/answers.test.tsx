// @vitest-environment jsdom
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { gql, Provider, type TypedDocumentNode, useQuery } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { failingNow } from "@/lib/answers";
import { makeClient } from "@/lib/graphql";

interface Place {
  workspace: { __typename: string; id: string; name: string } | null;
}
interface Pool {
  workspace: { __typename: string; id: string; pool: { __typename: string; id: string; size: number } | null } | null;
}

const PLACE: TypedDocumentNode<Place, Record<string, never>> = gql`
  query Place {
    workspace(slug: "a") {
      id
      name
    }
  }
`;
const POOL: TypedDocumentNode<Pool, Record<string, never>> = gql`
  query Pool {
    workspace(slug: "a") {
      id
      pool(name: "b") {
        id
        size
      }
    }
  }
`;
const WORKSPACE = { __typename: "Workspace", id: "ws_1" };
const GOOD_PLACE = { data: { workspace: { ...WORKSPACE, name: "One" } } };
const GOOD_POOL = { data: { workspace: { ...WORKSPACE, pool: { __typename: "WorkPool", id: "pool_1", size: 3 } } } };

const SEEN_PLACE = { workspace: { id: "ws_1", name: "One" } };
const SEEN_POOL = { workspace: { id: "ws_1", pool: { id: "pool_1", size: 3 } } };

let answers: Record<string, unknown>;

beforeEach(() => {
  answers = { Place: GOOD_PLACE, Pool: GOOD_POOL };
  vi.stubGlobal("fetch", async (_: unknown, init: RequestInit) => {
    const { operationName } = JSON.parse(String(init.body)) as { operationName: string };
    const answer = answers[operationName];
    if (answer === undefined) throw new TypeError("Failed to fetch");
    return Response.json(answer);
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function failure(path: (string | number)[], code = "INTERNAL") {
  return { message: "It broke.", path, extensions: { code } };
}

function draw() {
  const client = makeClient();
  return renderHook(() => ({ place: useQuery({ query: PLACE, variables: {} }), pool: useQuery({ query: POOL, variables: {} }) }), {
    wrapper: ({ children }) => <Provider value={client}>{children}</Provider>,
  });
}

async function drawWell() {
  const drawn = draw();
  await waitFor(() => expect(drawn.result.current.pool[0]).toMatchObject({ data: SEEN_POOL, fetching: false, stale: false }));
  await waitFor(() => expect(drawn.result.current.place[0]).toMatchObject({ data: SEEN_PLACE, fetching: false, stale: false }));
  return drawn.result;
}

type Drawn = Awaited<ReturnType<typeof drawWell>>;

async function readAgain(drawn: Drawn, which: "place" | "pool"): Promise<void> {
  act(() => drawn.current[which][1]({ requestPolicy: "network-only" }));
  await waitFor(() => expect(drawn.current[which][0].error).toBeDefined());
}

test("a field that fails empties the workspace of no other page, nor what was read before", async () => {
  const drawn = await drawWell();

  answers["Pool"] = { data: { workspace: null }, errors: [failure(["workspace", "pool", "size"])] };
  await readAgain(drawn, "pool");

  expect(drawn.current.pool[0].data).toEqual(SEEN_POOL);
  expect(drawn.current.place[0]).toMatchObject({ data: SEEN_PLACE, error: undefined });
});

test("what could not be read again is said, until it can", async () => {
  const drawn = await drawWell();
  expect(failingNow()).toBeUndefined();

  answers["Pool"] = { data: { workspace: null }, errors: [failure(["workspace"])] };
  await readAgain(drawn, "pool");
  expect(failingNow()?.error.graphQLErrors[0]?.message).toBe("It broke.");

  answers["Pool"] = GOOD_POOL;
  act(() => drawn.current.pool[1]({ requestPolicy: "network-only" }));
  await waitFor(() => expect(failingNow()).toBeUndefined());
});

test("a page that reads nothing at all says why, and not that there is no such workspace", async () => {
  answers["Pool"] = { data: { workspace: null }, errors: [failure(["workspace"])] };
  const { result } = draw();

  await waitFor(() => expect(result.current.pool[0].error).toBeDefined());

  expect(result.current.pool[0].data ?? undefined).toBeUndefined();
  await waitFor(() => expect(result.current.place[0].data).toEqual(SEEN_PLACE));
});

test("a part that may be left out is, and the rest is shown with the error", async () => {
  answers["Pool"] = { data: { workspace: { ...WORKSPACE, pool: null } }, errors: [failure(["workspace", "pool"], "FORBIDDEN")] };
  const { result } = draw();

  await waitFor(() => expect(result.current.pool[0].error).toBeDefined());

  expect(result.current.pool[0].data).toEqual({ workspace: { id: "ws_1", pool: null } });
  expect(failingNow()).toBeUndefined();
});

test("a server that does not answer takes nothing from the page; one that refuses all of it does", async () => {
  const drawn = await drawWell();

  delete answers["Pool"];
  await readAgain(drawn, "pool");
  expect(drawn.current.pool[0].data).toEqual(SEEN_POOL);

  answers["Pool"] = { data: { workspace: null }, errors: [failure(["workspace", "pool"], "FORBIDDEN")] };
  act(() => drawn.current.pool[1]({ requestPolicy: "network-only" }));
  await waitFor(() => expect(drawn.current.pool[0].error?.graphQLErrors[0]?.extensions["code"]).toBe("FORBIDDEN"));

  expect(drawn.current.pool[0].data ?? undefined).toBeUndefined();
  expect(drawn.current.place[0].data).toEqual(SEEN_PLACE);
});
