// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { ArtifactView } from "@/ui/ArtifactView";

afterEach(cleanup);

test("an address that no browser opens is shown as text, beside its own", () => {
  const { container } = render(<ArtifactView type="link" data={{ url: "dbfs:/x/y", text: "the table" }} />);

  expect(container.querySelector("a")).toBeNull();
  expect(screen.getByText("the table (dbfs:/x/y)")).toBeTruthy();
});

test("a link to a page is a link", () => {
  const { container } = render(<ArtifactView type="link" data={{ url: "https://example.com/a", text: "there" }} />);

  expect(container.querySelector("a")?.getAttribute("href")).toBe("https://example.com/a");
});

test("an image that is whole is shown, one elsewhere is not fetched", () => {
  const whole = "data:image/png;base64,iVBORw0KGgo=";
  const first = render(<ArtifactView type="image" data={{ url: whole }} description="a plot" />);
  expect(first.container.querySelector("img")?.getAttribute("src")).toBe(whole);
  first.unmount();

  const { container } = render(<ArtifactView type="image" data={{ url: "s3://bucket/plot.png" }} />);
  expect(container.querySelector("img")).toBeNull();
  expect(screen.getByText("Image at s3://bucket/plot.png")).toBeTruthy();
});
