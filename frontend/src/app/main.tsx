/** Starts the application in the page. */
import { CSPProvider } from "@base-ui/react/csp-provider";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, StrictMode, Suspense, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "urql";
import { router } from "@/app/router";
import { SignInElsewhere } from "@/app/SignInElsewhere";
import { readAheadWith } from "@/lib/ahead";
import { makeClient } from "@/lib/graphql";
import { isSignedOut, watchSession } from "@/lib/session";
import { startTheme } from "@/lib/theme";
import "@/app/app.css";

/** Nothing is above them that could show anything else where they do not come. */
const Toasts = lazy(async () => ({ default: await import("@/ui/Toasts").then((each) => each.Toasts, () => () => null) }));

const SignedOut = lazy(async () => ({ default: await import("@/app/SignedOut").then((each) => each.SignedOut, () => SignInElsewhere) }));

/** Nothing, as long as somebody is signed in. */
function Session() {
  return useSyncExternalStore(watchSession, isSignedOut) ? <SignedOut /> : null;
}

startTheme();
const client = makeClient();
readAheadWith(client);
const root = document.getElementById("root");
if (!root) throw new Error("The page has no place for the application.");
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <Provider value={client}>
        <RouterProvider router={router} />
        <Suspense>
          <Toasts />
        </Suspense>
        <Suspense>
          <Session />
        </Suspense>
      </Provider>
    </CSPProvider>
  </StrictMode>,
);
