// @vitest-environment jsdom
import { cleanup, renderHook } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { useLosses } from "@/lib/live";

/** The socket of the page, as its library tells of it. */
const told = vi.hoisted(() => ({ closed: (_event: unknown): void => undefined, connected: (): void => undefined }));
vi.mock("graphql-ws", () => ({
  createClient: ({ on }: { on: typeof told }) => {
    Object.assign(told, on);
    return { subscribe: () => () => undefined, terminate: () => undefined };
  },
}));

afterEach(cleanup);

test("each time the socket is refused one is asked for; not when it was ours to close", () => {
  const act = vi.fn();
  const { unmount } = renderHook(() => useLosses(act));

  told.connected();
  told.closed({ code: 1000 });
  expect(act).not.toHaveBeenCalled();
  told.closed({ code: 4403 });
  told.closed({ code: 4403 });
  expect(act).toHaveBeenCalledTimes(2);
  unmount();
  told.closed({ code: 4403 });

  expect(act).toHaveBeenCalledTimes(2);
});
