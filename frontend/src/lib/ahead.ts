/** Reading what a page will ask for while its code is still on the way: one then waits for the longer of the two, not for both. */
import { useState } from "react";
import { type AnyVariables, type Client, createRequest, type RequestPolicy, type TypedDocumentNode, useQuery, type UseQueryResponse } from "urql";

/** A page that has not come by then asks anew. */
const FRESH_MS = 10_000;
const begunAt = new Map<number, number>();
let client: Client | undefined;

/** Read ahead with the one client of the page. */
export function readAheadWith(given: Client): void {
  client = given;
}

/** Begin to read what a page is about to ask for, with the same variables. */
export function readAhead<Data, Variables extends AnyVariables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): void {
  if (client === undefined) return;
  const { key } = createRequest(document, variables);
  begunAt.set(key, performance.now());
  void client
    .query(document, variables, { requestPolicy: "network-only" })
    .toPromise()
    .then(({ error }) => error && begunAt.delete(key));
}

/** Whether that was begun for this request just now. Only who asks first is told so: what is read again later is read anew. */
export function takeAhead<Data, Variables extends AnyVariables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): boolean {
  const { key } = createRequest(document, variables);
  const at = begunAt.get(key);
  begunAt.delete(key);
  return at !== undefined && performance.now() - at < FRESH_MS;
}

/** As `useQuery`, but what was begun to be read ahead is not asked for a second time. */
export function useReadQuery<Data, Variables extends AnyVariables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): UseQueryResponse<Data, Variables> {
  const [first] = useState(() => ({
    key: createRequest(document, variables).key,
    policy: takeAhead(document, variables) ? ("cache-first" as RequestPolicy) : undefined,
  }));
  const isFirst = first.policy !== undefined && createRequest(document, variables).key === first.key;
  const asked = isFirst && first.policy ? { requestPolicy: first.policy } : {};
  return useQuery({ query: document, variables, ...asked } as Parameters<typeof useQuery<Data, Variables>>[0]);
}
