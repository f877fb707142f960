// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/fields";

const onClose = vi.fn();

function Host({ isNamed = false }: { isNamed?: boolean }) {
  const [name, setName] = useState("");
  return (
    <Dialog isOpen onClose={onClose} title="New pool" foot={<button type="button" onClick={onClose}>Not now</button>}>
      <TextField label="Type" value="process" onChange={() => undefined} disabled={isNamed} />
      <TextField label="Name" value={name} onChange={setName} />
    </Dialog>
  );
}

/** As a press of the key comes: to what has the focus. */
function escape(): void {
  act(() => void fireEvent.keyDown(document.activeElement ?? document.body, { key: "Escape" }));
}

afterEach(() => {
  cleanup();
  onClose.mockReset();
});

test("one begins in the first field that one may write in, not at the button that closes", async () => {
  render(<Host isNamed />);

  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("Name")));
});

test("Escape closes what nothing was written in", async () => {
  render(<Host />);
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("Type")));

  escape();

  expect(onClose).toHaveBeenCalledOnce();
});

test("Escape asks where something was written, and takes the question back", async () => {
  render(<Host />);
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("Type")));
  const name = screen.getByLabelText("Name");
  act(() => name.focus());
  fireEvent.change(name, { target: { value: "fast" } });

  escape();
  expect(onClose).not.toHaveBeenCalled();
  expect(screen.getByRole("alert").textContent).toContain("What you wrote is not saved.");
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Keep writing" }));

  escape();
  expect(screen.queryByRole("alert")).toBeNull();
  expect(name).toHaveProperty("value", "fast");
  expect(document.activeElement).toBe(name);

  fireEvent.click(screen.getByRole("button", { name: "Close" }));
  fireEvent.click(screen.getByRole("button", { name: "Drop it" }));
  expect(onClose).toHaveBeenCalledOnce();
});
