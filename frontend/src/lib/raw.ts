/** Asking the server what somebody wrote themselves: past the cache, and with nothing added. */
import { headersIn, socket } from "@/lib/graphql";

export interface RawRequest {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

export interface RawAnswer {
  data?: Record<string, unknown> | null;
  errors?: readonly unknown[];
}

/** Undefined where the server cannot be reached, or answers with no JSON. */
export async function ask(request: RawRequest, organization: string | undefined, signal: AbortSignal): Promise<RawAnswer | undefined> {
  try {
    const answer = await fetch("/graphql", {
      method: "POST",
      credentials: "same-origin",
      headers: { ...headersIn(organization), "content-type": "application/json" },
      body: JSON.stringify(request),
      signal,
    });
    return (await answer.json()) as RawAnswer;
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError || (error instanceof DOMException && error.name === "AbortError")) return undefined;
    throw error;
  }
}

export interface Follower {
  next: (answer: unknown) => void;
  error: (message: string) => void;
  complete: () => void;
}

/** Follow a subscription over the page's socket; returns what ends it. */
export function follow(request: RawRequest, follower: Follower): () => void {
  return socket.subscribe(
    { query: request.query, variables: request.variables ?? {}, ...(request.operationName ? { operationName: request.operationName } : {}) },
    {
      next: follower.next,
      error: (error) => {
        const first: unknown = Array.isArray(error) ? error[0] : error;
        follower.error(first instanceof Error || (typeof first === "object" && first !== null && "message" in first) ? String((first as { message: unknown }).message) : "The subscription ended.");
        follower.complete();
      },
      complete: follower.complete,
    },
  );
}
