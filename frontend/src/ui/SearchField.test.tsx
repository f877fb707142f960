// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, test } from "vitest";
import { SearchField } from "@/ui/SearchField";

let arrive: (() => void)[];
let put: (value: string) => void;

/** Says what was typed only once the address has it, as a router does. */
function Host() {
  const [value, setValue] = useState("");
  put = setValue;
  return <SearchField label="Name" value={value} onChange={(next) => void arrive.push(() => setValue(next))} />;
}

function field(): HTMLInputElement {
  return screen.getByRole("searchbox", { name: "Name" });
}

function type(value: string, caret: number): void {
  fireEvent.change(field(), { target: { value } });
  field().setSelectionRange(caret, caret);
}

afterEach(cleanup);

test("what is typed stands there at once, and the caret stays where it was", () => {
  arrive = [];
  render(<Host />);
  type("flow", 4);
  act(() => arrive[0]?.());

  type("fastflow", 4);
  expect(field().value).toBe("fastflow");
  act(() => arrive[1]?.());

  expect([field().value, field().selectionStart]).toEqual(["fastflow", 4]);
});

test("an address that comes late takes no letter away; one that changes by itself is shown", () => {
  arrive = [];
  render(<Host />);
  type("a", 1);
  type("ab", 2);
  type("abc", 3);

  act(() => arrive[0]?.());
  expect(field().value).toBe("abc");
  act(() => arrive[1]?.());
  act(() => arrive[2]?.());
  expect(field().value).toBe("abc");

  act(() => put(""));
  expect(field().value).toBe("");
});
