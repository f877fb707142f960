// @vitest-environment jsdom
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { type Client, createClient, fetchExchange, gql, Provider, type TypedDocumentNode } from "urql";
import { usePages } from "@/lib/pages";

interface Data {
  rows: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
}

const ROWS: TypedDocumentNode<Data, { word: string; after?: string | null }> = gql`
  query Rows($word: String!, $after: String) {
    rows(word: $word, after: $after) {
      nodes { id }
      pageInfo { hasNextPage endCursor }
    }
  }
`;
const PAGE = 2;

/** A server with so many rows, which can be told to have more. */
class Server {
  asked: (string | undefined)[] = [];

  constructor(public count: number) {}

  client(): Client {
    return createClient({ url: "http://test.invalid/graphql", preferGetMethod: false, exchanges: [fetchExchange], fetch: async (_, init) => this.answer(String(init?.body)) });
  }

  private async answer(body: string): Promise<Response> {
    const { variables } = JSON.parse(body) as { variables: { word: string; after?: string } };
    this.asked.push(variables.after);
    const from = Number(variables.after ?? 0);
    const to = Math.min(this.count, from + PAGE);
    const nodes = Array.from({ length: to - from }, (_, index) => ({ id: `${variables.word}${from + index}` }));
    return Response.json({ data: { rows: { nodes, pageInfo: { hasNextPage: to < this.count, endCursor: String(to) } } } });
  }
}

function draw(server: Server, word: string) {
  const client = server.client();
  return renderHook((props: { word: string }) => usePages("tests", ROWS, props, (data) => data.rows), {
    initialProps: { word },
    wrapper: ({ children }) => <Provider value={client}>{children}</Provider>,
  });
}

function ids(rows: readonly { id: string }[] | undefined): string[] | undefined {
  return rows?.map(({ id }) => id);
}

afterEach(cleanup);

test("pages follow each other, and what is read again is as long as it was", async () => {
  const server = new Server(5);
  const { result } = draw(server, "a");
  await waitFor(() => expect(ids(result.current.rows)).toEqual(["a0", "a1"]));
  expect(result.current.hasMore).toBe(true);

  act(() => result.current.more());
  await waitFor(() => expect(ids(result.current.rows)).toEqual(["a0", "a1", "a2", "a3"]));
  act(() => result.current.again());
  await waitFor(() => expect(server.asked).toEqual([undefined, "2", undefined, "2"]));
  await waitFor(() => expect(result.current.isReading).toBe(false));

  expect(ids(result.current.rows)).toEqual(["a0", "a1", "a2", "a3"]);
});

test("a further page that gives way to a change is read with it", async () => {
  const { result } = draw(new Server(5), "b");
  await waitFor(() => expect(result.current.rows).toHaveLength(2));

  act(() => {
    result.current.more();
    result.current.again();
  });

  await waitFor(() => expect(result.current.rows).toHaveLength(4));
});

test("a list is there at once when one comes back to it, and is read again", async () => {
  const server = new Server(2);
  const first = draw(server, "c");
  await waitFor(() => expect(first.result.current.rows).toHaveLength(2));
  first.unmount();
  server.count = 1;

  const { result } = draw(server, "c");

  expect(ids(result.current.rows)).toEqual(["c0", "c1"]);
  await waitFor(() => expect(ids(result.current.rows)).toEqual(["c0"]));
});

test("another question has another list", async () => {
  const { result, rerender } = draw(new Server(3), "d");
  await waitFor(() => expect(result.current.rows).toHaveLength(2));

  rerender({ word: "e" });

  expect(result.current.rows).toBeUndefined();
  await waitFor(() => expect(ids(result.current.rows)).toEqual(["e0", "e1"]));
});
