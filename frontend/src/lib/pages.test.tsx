// @vitest-environment jsdom
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { type Client, createClient, fetchExchange, gql, Provider, type TypedDocumentNode } from "urql";
import { usePages } from "@/lib/pages";
import { staleNow } from "@/lib/stale";

interface Data {
  rows: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
}

interface Asked {
  word: string;
  since?: number;
}

const ROWS: TypedDocumentNode<Data, Asked & { after?: string | null }> = gql`
  query Rows($word: String!, $since: Int, $after: String) {
    rows(word: $word, since: $since, after: $after) {
      nodes { id }
      pageInfo { hasNextPage endCursor }
    }
  }
`;
const PAGE = 2;

/** A server with so many rows, which can be told to have more. */
class Server {
  asked: (string | undefined)[] = [];
  since: (number | undefined)[] = [];
  /** Before the words of all ids, so that one sees when they were read. */
  edition = "";
  isDown = false;
  onAsked: () => void = () => undefined;

  constructor(public count: number) {}

  client(): Client {
    return createClient({ url: "http://test.invalid/graphql", preferGetMethod: false, exchanges: [fetchExchange], fetch: async (_, init) => this.answer(String(init?.body)) });
  }

  private async answer(body: string): Promise<Response> {
    const { variables } = JSON.parse(body) as { variables: Asked & { after?: string } };
    this.asked.push(variables.after);
    this.since.push(variables.since);
    this.onAsked();
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isDown) throw new TypeError("Failed to fetch");
    const from = Number(variables.after ?? 0);
    const to = Math.min(this.count, from + PAGE);
    const nodes = Array.from({ length: to - from }, (_, index) => ({ id: `${this.edition}${variables.word}${from + index}` }));
    return Response.json({ data: { rows: { nodes, pageInfo: { hasNextPage: to < this.count, endCursor: String(to) } } } });
  }
}

function draw(server: Server, word: string, since?: number) {
  const client = server.client();
  return renderHook((props: Asked) => usePages("tests", ROWS, props, (data) => data.rows, props.word), {
    initialProps: { word, ...(since === undefined ? {} : { since }) },
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

test("changes that never cease do not keep a long list from being read again", async () => {
  const server = new Server(5);
  const { result } = draw(server, "f");
  await waitFor(() => expect(result.current.rows).toHaveLength(2));
  for (const length of [4, 5]) {
    act(() => result.current.more());
    await waitFor(() => expect(result.current.rows).toHaveLength(length));
  }
  server.asked = [];
  server.edition = "new ";
  server.onAsked = () => act(() => result.current.again());

  act(() => result.current.again());
  await waitFor(() => expect(ids(result.current.rows)?.[4]).toBe("new f4"));
  server.onAsked = () => undefined;
  await waitFor(() => expect(result.current.isReading).toBe(false));

  expect(server.asked.slice(0, 3)).toEqual([undefined, "2", "4"]);
  expect(result.current.rows).toHaveLength(5);
});

test("whoever asks while a list is being read has it read once more", async () => {
  const server = new Server(2);
  const { result } = draw(server, "g");
  await waitFor(() => expect(result.current.rows).toHaveLength(2));

  act(() => {
    for (let change = 0; change < 5; change += 1) result.current.again();
  });
  await waitFor(() => expect(server.asked).toHaveLength(3));
  await waitFor(() => expect(result.current.isReading).toBe(false));

  expect(server.asked).toHaveLength(3);
});

test("a list as of an instant is there when one comes back at another, and goes on as it was asked for", async () => {
  const server = new Server(6);
  const first = draw(server, "h", 1);
  await waitFor(() => expect(first.result.current.rows).toHaveLength(2));
  first.unmount();
  const { result } = draw(server, "h", 2);

  expect(ids(result.current.rows)).toEqual(["h0", "h1"]);
  act(() => result.current.more());
  await waitFor(() => expect(server.asked).toEqual([undefined, undefined, "2", undefined, "2"]));
  await waitFor(() => expect(result.current.isReading).toBe(false));

  expect(server.since).toEqual([1, 2, 1, 2, 2]);
  expect(result.current.rows).toHaveLength(4);
});

test("what cannot be read again stays whole, with what went wrong", async () => {
  const server = new Server(3);
  const { result } = draw(server, "i");
  await waitFor(() => expect(result.current.rows).toHaveLength(2));
  act(() => result.current.more());
  await waitFor(() => expect(result.current.rows).toHaveLength(3));
  server.onAsked = () => {
    server.isDown = server.asked.length === 4;
  };

  act(() => result.current.again());
  await waitFor(() => expect(result.current.error).toBeDefined());

  expect(ids(result.current.rows)).toEqual(["i0", "i1", "i2"]);
  expect(staleNow()?.error).toBe(result.current.error);

  act(() => staleNow()?.again());
  await waitFor(() => expect(staleNow()).toBeUndefined());
});

test("a long list rests before it is read again", async () => {
  const server = new Server(12);
  const { result } = draw(server, "j");
  for (const length of [2, 4, 6, 8, 10, 12]) {
    await waitFor(() => expect(result.current.rows).toHaveLength(length));
    act(() => result.current.more());
  }
  const begunAt: number[] = [];
  server.onAsked = () => {
    if (server.asked.at(-1) === undefined) begunAt.push(performance.now());
  };

  act(() => {
    result.current.again();
    result.current.again();
  });
  await waitFor(() => expect(begunAt).toHaveLength(2));

  const [first = 0, second = 0] = begunAt;
  expect(second - first).toBeGreaterThan(490);
});
