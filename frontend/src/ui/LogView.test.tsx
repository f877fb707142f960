// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { LogView } from "@/ui/LogView";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test.each([
  ["a phone", true],
  ["a desk", false],
])("on %s lines are wrapped: %j", (_, isNarrow) => {
  vi.stubGlobal("matchMedia", (query: string) => ({ matches: isNarrow && query.includes("max-width") }));

  render(<LogView rows={[]} label="Log of the run" />);

  expect(screen.getByRole("log").classList.contains("is-wrapped")).toBe(isNarrow);
});
