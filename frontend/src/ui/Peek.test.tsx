// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, test } from "vitest";
import { Peek } from "@/ui/Peek";

afterEach(cleanup);

function List({ isOpenAtFirst }: { isOpenAtFirst: boolean }) {
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  return (
    <>
      <table>
        <tbody>
          <tr tabIndex={0} aria-selected={isOpen || undefined} aria-label="row 1"><td><button type="button" onClick={() => setOpen(true)}>Look</button></td></tr>
        </tbody>
      </table>
      {isOpen && <Peek title="row 1" onClose={() => setOpen(false)}>What it is</Peek>}
    </>
  );
}

test("one that a link opened has the focus; Escape closes it, and leads to its row", () => {
  render(<List isOpenAtFirst />);
  expect(document.activeElement).toBe(screen.getByRole("region", { name: "What was found" }));

  fireEvent.keyDown(document.activeElement as Element, { key: "Escape" });

  expect(screen.queryByText("What it is")).toBeNull();
  expect(document.activeElement).toBe(screen.getByRole("row", { name: "row 1" }));
});

test("one that was opened from its list leaves the focus there", () => {
  render(<List isOpenAtFirst={false} />);
  const button = screen.getByRole("button", { name: "Look" });
  button.focus();

  fireEvent.click(button);
  expect(document.activeElement).toBe(button);
  fireEvent.keyDown(button, { key: "Escape" });

  expect(document.activeElement).toBe(button);
});
