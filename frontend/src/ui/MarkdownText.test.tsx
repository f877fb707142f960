// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { MarkdownText } from "@/ui/MarkdownText";

afterEach(cleanup);

test("HTML is text, addresses that run code are none, and images are not fetched", () => {
  const { container } = render(<MarkdownText text={'<script>alert(1)</script>\n\n[a](javascript:alert(1)) ![b](https://example.com/x.png)\n\n<img src=x onerror=alert(1)>'} />);

  expect(container.querySelectorAll("script, img")).toHaveLength(0);
  expect(container.textContent).toContain("<script>alert(1)</script>");
  expect([...container.querySelectorAll("a")].map((link) => link.getAttribute("href"))).toEqual(["", "https://example.com/x.png"]);
});

test("tables and lists are what they are", () => {
  const { container } = render(<MarkdownText text={"| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two"} />);

  expect([...container.querySelectorAll("td")].map((cell) => cell.textContent)).toEqual(["1", "2"]);
  expect(container.querySelectorAll("li")).toHaveLength(2);
});

test("within a line only weight and slant are left of it", () => {
  const { container } = render(<MarkdownText text={"**1204 entries** differ\n\n- [a](https://example.com) `b`"} isLine />);

  expect(container.querySelector("strong")?.textContent).toBe("1204 entries");
  expect(container.querySelectorAll("p, li, a, ul")).toHaveLength(0);
  expect(container.textContent).toContain("a b");
});
