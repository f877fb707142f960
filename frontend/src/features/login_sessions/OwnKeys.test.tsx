// @vitest-environment jsdom
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OwnKeys } from "@/features/login_sessions/OwnKeys";

beforeEach(() => void vi.stubGlobal("scrollTo", () => undefined));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function draw(organizations: { slug: string; name: string }[]): void {
  const rootRoute = createRootRoute({ component: () => <OwnKeys organizations={organizations} /> });
  const router = createRouter({ routeTree: rootRoute, history: createMemoryHistory({ initialEntries: ["/"] }) });
  render(<RouterProvider router={router as never} />);
}

test("each organization's keys are one link away", async () => {
  draw([{ slug: "acme", name: "Acme" }, { slug: "globex", name: "Globex" }]);

  expect((await screen.findByRole("link", { name: "Keys in Acme" })).getAttribute("href")).toBe("/acme/~/keys");
  expect(screen.getByRole("link", { name: "Keys in Globex" }).getAttribute("href")).toBe("/globex/~/keys");
});

test("who belongs to none is told so", async () => {
  draw([]);

  expect(await screen.findByText(/You belong to no organization yet/)).toBeDefined();
});
