// @vitest-environment jsdom
import { createMemoryHistory, createRootRoute, createRoute, createRouter, Outlet, RouterProvider, useSearch } from "@tanstack/react-router";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Broken } from "@/app/Broken";
import { filterOf, readSearch, type RunSearch } from "@/features/flow_runs/search";
import { timeOf, understood, wordOf, wordsOf } from "@/lib/search";

function Runs() {
  const search: RunSearch = useSearch({ strict: false });
  return <p data-testid="seen">{JSON.stringify({ search, filter: filterOf(search, 0) })}</p>;
}

function openAt(address: string) {
  const root = createRootRoute({ component: Outlet });
  const runs = createRoute({ getParentRoute: () => root, path: "/runs", validateSearch: understood<RunSearch>(readSearch), component: Runs });
  const breaks = createRoute({
    getParentRoute: () => root,
    path: "/breaks",
    component: () => {
      throw new Error("The list has no beginning.");
    },
  });
  const router = createRouter({
    routeTree: root.addChildren([runs, breaks]),
    history: createMemoryHistory({ initialEntries: [address] }),
    defaultErrorComponent: Broken,
  });
  render(<RouterProvider router={router as never} />);
}

test("an address by hand shows its page, and no more of it than the page understands", async () => {
  openAt("/runs?q=42&from=1e300&to=9e307&state=3&peek={}&other=x");

  const seen = JSON.parse((await screen.findByTestId("seen")).textContent) as { search: unknown; filter: object };

  expect(seen.search).toEqual({ q: "42" });
  expect(Object.keys(seen.filter)).toEqual(["and"]);
});

test("a page that fails says so, with a way on", async () => {
  openAt("/breaks");

  const said = await screen.findByRole("alert");

  expect(said.textContent).toContain("The list has no beginning.");
  expect(screen.getByRole("link", { name: "Go to your workspaces" }).getAttribute("href")).toBe("/");
});

test("words may look like numbers, and are cut; instants are of this calendar", () => {
  expect(wordsOf({ a: 42, b: "", c: true, d: ["x"], e: "x".repeat(300) }, "a", "b", "c", "d", "e")).toEqual({ a: "42", c: "true", e: "x".repeat(200) });
  expect(wordOf({ a: "abc" }, "a", 2)).toBe("ab");
  expect([timeOf({ at: 5 }, "at"), timeOf({ at: -1 }, "at"), timeOf({ at: 1e300 }, "at"), timeOf({ at: "5" }, "at")]).toEqual([5, undefined, undefined, undefined]);
});
