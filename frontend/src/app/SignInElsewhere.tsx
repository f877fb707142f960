/** In place of the window that asks to sign in again, where its code does not come: the page stays, with what is written in it. */
import { createPortal } from "react-dom";
import { noteSignedIn, signInUrl } from "@/lib/session";

export function SignInElsewhere() {
  // Over the page, and beside the root: an open dialog hides the root from screen readers.
  return createPortal(
    <p className="notice signed-out-notice m-0" role="alert">
      Your session has ended. <a href={signInUrl()} target="_blank" rel="noreferrer">Sign in in another tab</a>, and come back: what you wrote is still here.{" "}
      <button type="button" className="button is-small" onClick={noteSignedIn}>I have signed in</button>
    </p>,
    document.body,
  );
}
