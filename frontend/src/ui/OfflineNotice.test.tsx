// @vitest-environment jsdom
import { act, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { OfflineNotice } from "@/ui/OfflineNotice";

afterEach(() => vi.restoreAllMocks());

test("who goes offline is told, until they are back", () => {
  const online = vi.spyOn(navigator, "onLine", "get");
  render(<OfflineNotice />);
  expect(screen.queryByRole("status")).toBeNull();

  online.mockReturnValue(false);
  act(() => void window.dispatchEvent(new Event("offline")));
  expect(screen.getByRole("status").textContent).toMatch(/^You are offline since \d\d:\d\d:\d\d/);

  online.mockReturnValue(true);
  act(() => void window.dispatchEvent(new Event("online")));
  expect(screen.queryByRole("status")).toBeNull();
});
