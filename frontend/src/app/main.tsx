/** Starts the application in the page. */
import { CSPProvider } from "@base-ui/react/csp-provider";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "urql";
import { router } from "@/app/router";
import { makeClient } from "@/lib/graphql";
import { startTheme } from "@/lib/theme";
import { Toasts } from "@/ui/Toasts";
import "@/app/app.css";

startTheme();
const root = document.getElementById("root");
if (!root) throw new Error("The page has no place for the application.");
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <Provider value={makeClient()}>
        <Toasts>
          <RouterProvider router={router} />
        </Toasts>
      </Provider>
    </CSPProvider>
  </StrictMode>,
);
