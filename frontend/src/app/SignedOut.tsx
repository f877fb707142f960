/** Asks to sign in again where a session has ended: over the page, which stays as it is. */
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useClient } from "urql";
import { readFailing } from "@/lib/answers";
import { ask } from "@/lib/raw";
import { noteSignedIn, ownerOfPage, type Person, signInUrl } from "@/lib/session";
import { tell } from "@/ui/toasts";

const WHO = "{ viewer { actor { __typename id displayName } } }";

/** A window of the browser's own: it lies over the dialogs of the page too, and closes none of them. */
export function SignedOut() {
  const window_ = useRef<HTMLDialogElement>(null);
  const client = useClient();
  const [problem, setProblem] = useState<string>();
  const look = useCallback(async (isAsked: boolean) => {
    const answer = await ask({ query: WHO }, undefined, new AbortController().signal);
    const now = (answer?.data?.["viewer"] as { actor: Person } | undefined)?.actor;
    const owner = ownerOfPage();
    if (!now) {
      if (isAsked) setProblem("You are not signed in yet.");
    } else if (owner && owner.id !== now.id) {
      setProblem(`You are ${now.displayName} now, and this page is of ${owner.displayName}: sign in as them, or leave it.`);
    } else {
      noteSignedIn();
      readFailing(client);
      tell("You are signed in again. What was not sent yet can be sent now.");
    }
  }, [client]);
  useEffect(() => {
    window_.current?.showModal();
    const onFocus = (): void => void look(false);
    window.addEventListener("focus", onFocus);
    return () => window.removeEventListener("focus", onFocus);
  }, [look]);
  // Escape would close what lies below as well.
  const keep = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === "Escape") event.preventDefault();
  };
  // Beside the root: an open dialog of the page hides the root from screen readers.
  return createPortal(
    <dialog ref={window_} className="dialog signed-out" aria-labelledby="signed-out" onKeyDown={keep} onCancel={(event) => event.preventDefault()}>
      <header className="dialog-head"><h2 id="signed-out" className="dialog-title">Your session has ended</h2></header>
      <div className="dialog-body">
        <p className="m-0">Sign in again in another tab, and come back to this one: what you wrote is still here, and can be sent then.</p>
        {problem !== undefined && <p className="field-problem m-0" role="alert">{problem}</p>}
      </div>
      <footer className="dialog-foot">
        <a className="button" href={signInUrl()}>Leave this page and sign in</a>
        <button type="button" className="button" onClick={() => void look(true)}>I have signed in</button>
        <a className="button is-primary" href={signInUrl()} target="_blank" rel="noreferrer">Sign in in another tab</a>
      </footer>
    </dialog>,
    document.body,
  );
}
