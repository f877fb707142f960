// @vitest-environment jsdom
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { cleanup, render, screen } from "@testing-library/react";
import { createClient, fetchExchange, Provider } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CacheFacts, type CacheFactsProps } from "@/features/task_runs/CacheFacts";
import { PlaceNow } from "@/lib/place";

beforeEach(() => void vi.stubGlobal("scrollTo", () => undefined));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function draw(task: CacheFactsProps["task"], cacheRecord: unknown): Promise<string[]> {
  const asked: string[] = [];
  const client = createClient({
    url: "http://test.invalid/graphql",
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetch: async (_, init) => {
      asked.push((JSON.parse(String(init?.body)) as { variables: { key: string } }).variables.key);
      return Response.json({ data: { workspace: { id: "ws_1", cacheRecord } } });
    },
  });
  const rootRoute = createRootRoute({ component: () => <dl><CacheFacts task={task} /></dl> });
  const router = createRouter({ routeTree: rootRoute, history: createMemoryHistory({ initialEntries: ["/"] }) });
  render(
    <Provider value={client}>
      <PlaceNow.Provider value={{ organization: "acme", workspace: "main" }}>
        <RouterProvider router={router as never} />
      </PlaceNow.Provider>
    </Provider>,
  );
  await screen.findByText("Cached under");
  return asked;
}

const WRITTEN = { key: "k", writtenAt: "2026-11-30T10:00:00Z", expiresAt: null, taskRunId: "trun_2" };

test("a task run that took what was kept leads to the one that wrote it", async () => {
  const asked = await draw({ id: "trun_1", cacheKey: "k", state: { name: "Cached" } }, WRITTEN);

  expect((await screen.findByRole("link", { name: "another task run's result" })).getAttribute("href")).toBe("/acme/main/task-runs/trun_2");
  expect(screen.getByText("It took what was kept, and was not executed.")).toBeDefined();
  expect(asked).toEqual(["k"]);
});

test("what it wrote itself is its own, and what is gone is said to be", async () => {
  await draw({ id: "trun_2", cacheKey: "k", state: { name: "Completed" } }, WRITTEN);
  expect(await screen.findByText(/its own result/)).toBeDefined();
  cleanup();

  await draw({ id: "trun_2", cacheKey: "k", state: { name: "Completed" } }, null);
  expect(await screen.findByText("Nothing any more, or not yet.")).toBeDefined();
});

test("without a key, nothing is asked", async () => {
  expect(await draw({ id: "trun_1", cacheKey: null, state: { name: "Completed" } }, null)).toEqual([]);
  expect(screen.getByText("It is not cached.")).toBeDefined();
});
