// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { HOUR } from "@/ui/rail";
import { TimeRail } from "@/ui/TimeRail";

const FROM = Date.parse("2026-11-28T00:00:00Z");
const BINS = [{ at: new Date(FROM + 2 * HOUR).toISOString(), counts: [{ state: "FAILED", count: 3 }] }];

afterEach(cleanup);

function draw(brush?: { from: number; to: number }) {
  const onBrush = vi.fn();
  render(<TimeRail bins={BINS} window={{ from: FROM, to: FROM + 4 * HOUR }} binMs={HOUR} brush={brush} onBrush={onBrush} />);
  return { rail: screen.getByRole("application"), onBrush };
}

test("a piece is sought with arrows, told, and chosen with Enter", () => {
  const { rail, onBrush } = draw();

  fireEvent.keyDown(rail, { key: "ArrowLeft" });
  fireEvent.keyDown(rail, { key: "ArrowLeft" });
  expect(rail.querySelector("[aria-live]")?.textContent).toContain("3 failed");
  expect(onBrush).not.toHaveBeenCalled();
  fireEvent.keyDown(rail, { key: "ArrowRight", shiftKey: true });
  fireEvent.keyDown(rail, { key: "Enter" });

  expect(onBrush).toHaveBeenCalledExactlyOnceWith({ from: FROM + 2 * HOUR, to: FROM + 4 * HOUR });
});

test("Escape shows all again", () => {
  const { rail, onBrush } = draw({ from: FROM, to: FROM + HOUR });

  fireEvent.keyDown(rail, { key: "Escape" });

  expect(onBrush).toHaveBeenCalledExactlyOnceWith(undefined);
});
