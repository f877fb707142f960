// @vitest-environment jsdom
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { cacheExchange, createClient, fetchExchange, gql, Provider, type TypedDocumentNode } from "urql";
import { afterEach, expect, test } from "vitest";
import { readAhead, readAheadWith, useReadQuery } from "@/lib/ahead";

const WORD: TypedDocumentNode<{ word: string }, { of: string }> = gql`
  query Word($of: String!) {
    word(of: $of)
  }
`;

/** What a page shows that asks for a word, and which words were asked for; ``begin`` is what is read ahead of it. */
async function drawAfter(begin: () => void) {
  const asked: string[] = [];
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    requestPolicy: "cache-and-network",
    exchanges: [cacheExchange, fetchExchange],
    fetch: async (_, init) => {
      const { variables } = JSON.parse(String(init?.body)) as { variables: { of: string } };
      asked.push(variables.of);
      return Response.json({ data: { word: `${variables.of} ${asked.length}` } });
    },
  });
  readAheadWith(client);
  begin();
  if (begin !== NOTHING) await waitFor(() => expect(asked).toHaveLength(1));
  const { result, rerender } = renderHook(({ of }) => useReadQuery(WORD, { of }), {
    initialProps: { of: "a" },
    wrapper: ({ children }) => <Provider value={client}>{children}</Provider>,
  });
  return { asked, result, rerender };
}

const NOTHING = (): void => undefined;

afterEach(cleanup);

test("what was begun ahead is shown, and not asked for again", async () => {
  const { asked, result } = await drawAfter(() => readAhead(WORD, { of: "a" }));

  await waitFor(() => expect(result.current[0]).toMatchObject({ data: { word: "a 1" }, fetching: false, stale: false }));

  expect(asked).toEqual(["a"]);
});

test("what is read later is read anew", async () => {
  const { asked, result, rerender } = await drawAfter(() => readAhead(WORD, { of: "a" }));
  await waitFor(() => expect(result.current[0].data).toEqual({ word: "a 1" }));

  act(() => result.current[1]({ requestPolicy: "network-only" }));
  await waitFor(() => expect(result.current[0].data).toEqual({ word: "a 2" }));
  rerender({ of: "b" });
  await waitFor(() => expect(result.current[0].data).toEqual({ word: "b 3" }));
  rerender({ of: "a" });
  await waitFor(() => expect(result.current[0].data).toEqual({ word: "a 2" }));

  expect(asked.slice(0, 3)).toEqual(["a", "a", "b"]);
});

test("a page that nothing was begun for asks itself", async () => {
  const { asked, result } = await drawAfter(NOTHING);

  await waitFor(() => expect(result.current[0].data).toEqual({ word: "a 1" }));

  expect(asked).toEqual(["a"]);
});
