/** Starts the application in the page. */
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "urql";
import { router } from "@/app/router";
import { makeClient } from "@/lib/graphql";
import { startTheme } from "@/lib/theme";
import "@/app/app.css";

startTheme();
const root = document.getElementById("root");
if (!root) throw new Error("The page has no place for the application.");
createRoot(root).render(
  <StrictMode>
    <Provider value={makeClient()}>
      <RouterProvider router={router} />
    </Provider>
  </StrictMode>,
);
