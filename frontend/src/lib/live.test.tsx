// @vitest-environment jsdom
import { cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useGathered } from "@/lib/live";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test("many calls are one, soon; the next comes no sooner than its pace", () => {
  const act = vi.fn();
  const { result } = renderHook(() => useGathered(act, 2_000));

  for (let call = 0; call < 20; call += 1) result.current();
  vi.advanceTimersByTime(250);
  expect(act).toHaveBeenCalledTimes(1);
  result.current();
  vi.advanceTimersByTime(1_900);
  expect(act).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(200);

  expect(act).toHaveBeenCalledTimes(2);
});

test("nothing is called after the page has gone", () => {
  const act = vi.fn();
  const { result, unmount } = renderHook(() => useGathered(act));

  result.current();
  unmount();
  vi.advanceTimersByTime(1_000);

  expect(act).not.toHaveBeenCalled();
});
