/** Answers with errors: what of one may be kept, so that a part that failed is not taken for one that is not there. */
import { type Client, CombinedError, type Operation, type OperationResult } from "urql";

const REFUSED = "FORBIDDEN";
type Path = readonly (string | number)[];

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Without what is null because of an error below it or at it; what shares no way with it stays the same object. */
function without(data: unknown, path: Path): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return data;
  if (Array.isArray(data)) {
    return data.map((each: unknown, index) => (index === part && each !== null ? without(each, rest) : each));
  }
  if (!isObject(data) || !(part in data)) return data;
  const { [part]: at, ...others } = data;
  return at === null ? others : { ...data, [part]: without(at, rest) };
}

/**
 * An answer as the cache may have it. A field that an error left empty is taken out of it: the cache would keep the null, and
 * every page of the workspace would find no such workspace. What was read before is then shown on, with the error beside it;
 * nothing is where the server refuses all of it, so that a page says which permission is missing.
 */
export function keepable(result: OperationResult): OperationResult {
  const { error, operation } = result;
  if (error === undefined) return result;
  const failed = error.graphQLErrors;
  let data = result.data as unknown;
  for (const { path } of failed) data = without(data, path ?? []);
  if (operation.kind !== "query") return { ...result, data };
  const kept = isObject(data) ? data : {};
  const isNothing = Object.keys(kept).every((name) => name === "__typename");
  const isRefused = failed.some(({ extensions }) => extensions["code"] === REFUSED);
  return { ...result, data: isNothing && isRefused ? undefined : kept, error: wholeAtRoot(error, kept) };
}

/**
 * The cache reads null wherever an error has its path. A root field is there, from before at least, or the whole answer is
 * not: a page would take null for an object that is not there.
 */
function wholeAtRoot(error: CombinedError, kept: Record<string, unknown>): CombinedError {
  if (error.graphQLErrors.length === 0) return error;
  const graphQLErrors = error.graphQLErrors.map((each) =>
    String(each.path?.[0]) in kept ? each : { message: each.message, extensions: each.extensions },
  );
  return new CombinedError({ graphQLErrors, response: error.response as unknown });
}

export interface Failing {
  operation: Operation;
  error: CombinedError;
}

const failing = new Map<number, Failing>();
const watchers = new Set<() => void>();
let first: Failing | undefined;

function tellWatchers(): void {
  const [next] = failing.values();
  if (next === first) return;
  first = next;
  for (const watcher of watchers) watcher();
}

/** A part that is refused is left out by the page that asks for it; what else fails is not known to it. */
function isFailure({ networkError, graphQLErrors }: CombinedError): boolean {
  return networkError !== undefined || graphQLErrors.some(({ extensions }) => extensions["code"] !== REFUSED);
}

/** Takes note of queries that show what was read before, or only a part, because the server failed. */
export function noteAnswer({ operation, error, data }: OperationResult): void {
  if (operation.kind !== "query") return;
  if (error !== undefined && isFailure(error) && data) failing.set(operation.key, { operation, error });
  else failing.delete(operation.key);
  tellWatchers();
}

/** A query that nobody looks at any more fails nobody. */
export function noteEnd({ key }: Operation): void {
  failing.delete(key);
  tellWatchers();
}

/** The query that failed first of those shown in part; undefined where all is well. */
export function failingNow(): Failing | undefined {
  return first;
}

/** Ask again for all that is shown in part. */
export function readFailing(client: Client): void {
  for (const { operation } of failing.values()) {
    client.reexecuteOperation(client.createRequestOperation("query", operation, { requestPolicy: "network-only" }));
  }
}

/** Call back when that changes; returns what stops it. */
export function watchFailing(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
