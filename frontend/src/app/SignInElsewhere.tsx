/** In place of the window that asks to sign in again, where its code does not come: the page stays, with what is written in it. */
import { noteSignedIn, signInUrl } from "@/lib/session";

export function SignInElsewhere() {
  return (
    <p className="notice m-0" role="alert">
      Your session has ended. <a href={signInUrl()} target="_blank" rel="noreferrer">Sign in in another tab</a>, and come back: what you wrote is still here.{" "}
      <button type="button" className="button is-small" onClick={noteSignedIn}>I have signed in</button>
    </p>
  );
}
