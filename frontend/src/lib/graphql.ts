/** The one client of the page: queries over HTTP, subscriptions over one socket, one normalised cache. */
import { cacheExchange, type Cache } from "@urql/exchange-graphcache";
import { createClient as createSocket } from "graphql-ws";
import { type Client, createClient, fetchExchange, makeOperation, mapExchange, subscriptionExchange } from "urql";
import { actingIn, onLeaving } from "@/lib/acting";
import { keepable, noteAnswer, noteEnd } from "@/lib/answers";
import { EMBEDDED } from "@/lib/embedded";
import { patient } from "@/lib/patience";
import { isSignedOutError, noteAnswered, noteSignedOut, noteViewer, type Person } from "@/lib/session";

const PATH = "/graphql";
const NORMAL_CLOSURE = 1000;
/**
 * Requests with a cookie name the first of these: no form of another site can. Without the second an answer would come
 * as a stream of events, which is not over with its only one.
 */
const HEADERS = { "x-headgate": "1", accept: "application/graphql-response+json, application/json" };
const ORGANIZATION_HEADER = "x-headgate-organization";

export type Connection = "connecting" | "live" | "lost";

type Watcher = (connection: Connection) => void;

const watchers = new Set<Watcher>();
let current: Connection = "connecting";

function tell(connection: Connection): void {
  current = connection;
  for (const watcher of watchers) watcher(connection);
}

/** Call back whenever the socket comes or goes; returns what stops it. */
export function watchConnection(watcher: Watcher): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Call back whenever the socket is there again after it was lost: what changed meanwhile was not told; returns what stops it. */
export function watchReturns(act: () => void): () => void {
  let wasLost = current === "lost";
  return watchConnection((connection) => {
    if (connection === "live" && wasLost) act();
    if (connection !== "connecting") wasLost = connection === "lost";
  });
}

export function connectionNow(): Connection {
  return current;
}

/** Whether we closed the socket ourselves, because nothing is followed any more. */
function isOurs(event: unknown): boolean {
  return typeof event === "object" && event !== null && "code" in event && event.code === NORMAL_CLOSURE;
}

/** The headers of a request in an organization; where none is named, in the one of the address. */
export function headersIn(named: unknown): Record<string, string> {
  const slug = typeof named === "string" ? named : actingIn();
  return slug === undefined ? HEADERS : { ...HEADERS, [ORGANIZATION_HEADER]: slug };
}

export const socket = createSocket({
  url: () => `${window.location.protocol === "https:" ? "wss" : "ws"}://${window.location.host}${PATH}`,
  connectionParams: () => {
    const organization = actingIn();
    return organization === undefined ? {} : { organization };
  },
  lazy: true,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  retryWait: async (retries) => {
    const longest = 1000 * 2 ** Math.min(retries, 5);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
  },
  on: {
    connected: () => tell("live"),
    closed: (event) => tell(isOurs(event) ? "connecting" : "lost"),
  },
});

onLeaving(() => socket.terminate());

function withoutIds(): Record<string, () => null> {
  return Object.fromEntries(EMBEDDED.map((name) => [name, () => null]));
}

/** Read every list of a workspace again: what a mutation made belongs in some of them. */
export function forgetLists(cache: Cache, workspaceId: string, field: string): void {
  const entity = { __typename: "Workspace", id: workspaceId };
  for (const each of cache.inspectFields(entity)) {
    if (each.fieldName === field) cache.invalidate(entity, each.fieldKey);
  }
}

/** Who asks, where an answer names them. */
function viewerIn(data: unknown): Person | undefined {
  const actor = (data as { viewer?: { actor?: Partial<Person> } } | null | undefined)?.viewer?.actor;
  return actor?.id === undefined || actor.displayName === undefined ? undefined : { id: actor.id, displayName: actor.displayName };
}

export function makeClient(): Client {
  return createClient({
    url: PATH,
    preferGetMethod: false,
    fetch: patient(window.fetch.bind(window)),
    requestPolicy: "cache-and-network",
    exchanges: [
      mapExchange({
        onOperation(operation) {
          if (operation.kind === "teardown") noteEnd(operation);
          const headers = headersIn(operation.variables?.["organization"]);
          return makeOperation(operation.kind, operation, { ...operation.context, fetchOptions: { headers, credentials: "same-origin" } });
        },
        onError(error) {
          if (isSignedOutError(error)) noteSignedOut();
        },
        onResult: noteAnswer,
      }),
      cacheExchange({ keys: withoutIds() }),
      mapExchange({
        onResult(result) {
          if (!result.error && result.operation.kind !== "subscription") noteAnswered();
          const viewer = viewerIn(result.data);
          if (viewer) noteViewer(viewer);
          return keepable(result);
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription(request) {
          const payload = { query: request.query ?? "", variables: request.variables };
          return {
            subscribe: (sink) => ({
              unsubscribe: socket.subscribe(payload, {
                next: (value) => sink.next(value as never),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              }),
            }),
          };
        },
      }),
    ],
  });
}
