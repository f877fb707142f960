// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { type Bar, Barcode } from "@/ui/Barcode";

afterEach(cleanup);

function bars(count: number, duration = "PT1S"): Bar[] {
  return Array.from({ length: count }, (_, index) => ({ id: `run_${index}`, name: `run ${index}`, duration, state: { type: "COMPLETED", name: "Completed" } }));
}

test("of many runs it shows the last thirty, and says so", () => {
  const { container } = render(<Barcode bars={bars(50)} label="Latest runs" />);

  expect(screen.getByRole("img", { name: "Latest runs: the last 30" }).getAttribute("width")).toBe("150");
  const shown = [...container.querySelectorAll("rect title")].map((title) => title.textContent?.split(":")[0]);
  expect([shown.length, shown[0], shown.at(-1)]).toEqual([30, "run 20", "run 49"]);
});

test("a run that is not shown does not scale those that are", () => {
  const [long] = bars(1, "PT1000S");
  const { container } = render(<Barcode bars={[...(long ? [long] : []), ...bars(30)]} label="Latest runs" />);

  expect([...container.querySelectorAll("rect")].every((bar) => bar.getAttribute("height") === "24")).toBe(true);
});

test("few and none are said, too", () => {
  render(<><Barcode bars={bars(1)} label="One" /><Barcode bars={[]} label="None" /></>);

  expect(screen.getByRole("img", { name: "One: one" })).toBeDefined();
  expect(screen.getByRole("img", { name: "None: none" })).toBeDefined();
});
