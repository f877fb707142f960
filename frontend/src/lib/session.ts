/** Whether somebody is signed in: a page that was read once stays when the session ends, with what is written in it. */
import type { CombinedError } from "urql";

const SIGNED_OUT = "UNAUTHENTICATED";
const UNAUTHORIZED = 401;

const watchers = new Set<() => void>();
let hasRead = false;
let isOut = false;
let owner: Person | undefined;

export interface Person {
  id: string;
  displayName: string;
}

function set(next: boolean): void {
  if (next === isOut) return;
  isOut = next;
  for (const watcher of watchers) watcher();
}

/** Where to sign in, coming back to where one is. */
export function signInUrl(): string {
  const here = window.location.pathname + window.location.search;
  return `/auth/sign-in?next=${encodeURIComponent(here)}`;
}

export function isSignedOutError(error: CombinedError): boolean {
  return error.graphQLErrors.some((each) => each.extensions["code"] === SIGNED_OUT) || (error.response as Response | undefined)?.status === UNAUTHORIZED;
}

/** The server has answered this session: from now on the page has something to lose. */
export function noteAnswered(): void {
  hasRead = true;
}

/** Somebody whom the server names as the one who asks: the page is of the first. Another is asked to sign in as them, or to leave it. */
export function noteViewer(person: Person): void {
  owner ??= person;
  if (owner.id !== person.id) set(true);
}

/** Whose page it is; what is read later says who asks by then. */
export function ownerOfPage(): Person | undefined {
  return owner;
}

/** The same person has signed in again. */
export function noteSignedIn(): void {
  set(false);
}

/** The session has ended. Who came without one is led to sign in; a page that was read asks for it, and stays. */
export function noteSignedOut(): void {
  if (hasRead) set(true);
  else window.location.assign(signInUrl());
}

export function isSignedOut(): boolean {
  return isOut;
}

/** Call back when that changes; returns what stops it. */
export function watchSession(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
