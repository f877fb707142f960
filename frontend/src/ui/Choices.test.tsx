// @vitest-environment jsdom
import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { Choices } from "@/ui/Choices";

test("one is added or taken away, and the others stay", () => {
  const onChange = vi.fn();
  render(<Choices label="Roles" choices={[{ value: "a", label: "Admin" }, { value: "v", label: "Viewer" }]} chosen={["a"]} onChange={onChange} />);

  fireEvent.click(screen.getByLabelText("Viewer"));
  fireEvent.click(screen.getByLabelText("Admin"));

  expect(onChange.mock.calls).toEqual([[["a", "v"]], [[]]]);
});
