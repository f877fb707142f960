// @vitest-environment jsdom
import { createMemoryHistory, createRootRoute, createRoute, createRouter, Outlet, RouterProvider } from "@tanstack/react-router";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Broken } from "@/app/Broken";
import { lazyPage } from "@/lib/code";

const reload = vi.fn();

beforeEach(() => {
  window.sessionStorage.clear();
  reload.mockReset();
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.stubGlobal("scrollTo", vi.fn());
  vi.stubGlobal("location", { ...window.location, reload });
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Go to a page whose code does not come, from a server that answers as told. */
async function open(answer: () => Promise<Response>) {
  vi.stubGlobal("fetch", vi.fn(answer));
  const root = createRootRoute({ component: () => <><p>The frame</p><Outlet /></> });
  const component = lazyPage(async (): Promise<{ Page: () => null }> => {
    throw new TypeError("Failed to fetch dynamically imported module: http://test.invalid/page.js");
  }, "Page");
  const routeTree = root.addChildren([createRoute({ getParentRoute: () => root, path: "/page", component })]);
  const router = createRouter({ routeTree, history: createMemoryHistory({ initialEntries: ["/page"] }), defaultErrorComponent: Broken });
  render(<RouterProvider router={router as never} />);
  await screen.findByText("This page could not be loaded.");
}

test("while the server is away the frame stays, and says so; the page is loaded once it is back", async () => {
  let isThere = false;
  await open(async () => {
    if (!isThere) throw new TypeError("Failed to fetch");
    return new Response("");
  });

  await screen.findByText("The server does not answer.", { exact: false });
  expect(screen.getByText("The frame")).toBeDefined();
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await act(async () => undefined);
  expect(reload).not.toHaveBeenCalled();

  isThere = true;
  act(() => void window.dispatchEvent(new Event("online")));
  await vi.waitFor(() => expect(reload).toHaveBeenCalledOnce());
});

test("where the server has another edition, it is loaded at once, and not over and over", async () => {
  await open(async () => new Response(""));
  await vi.waitFor(() => expect(reload).toHaveBeenCalledOnce());
  cleanup();

  await open(async () => new Response(""));
  await act(async () => undefined);

  expect(reload).toHaveBeenCalledOnce();
});
