// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { Problems } from "@/ui/schema/problems";
import type { Schema } from "@/ui/schema/schemas";
import { SchemaForm } from "@/ui/schema/SchemaForm";
import { useSchemaForm } from "@/ui/schema/useSchemaForm";
import { randomCase, lift, randomFrom } from "@/ui/schema/random_schemas";

const SCHEMA: Schema = {
  type: "object",
  properties: {
    region: { type: "string", title: "Region" },
    rows: { type: "integer", title: "Rows", minimum: 1, default: 3 },
    mode: { enum: ["full", "delta"], title: "Mode" },
    since: { anyOf: [{ type: "string", format: "date" }, { type: "null" }], title: "Since" },
  },
  required: ["region", "mode"],
};

let value: unknown;
let problems: Problems;

function Host({ schema, initial, isAsked = false }: { schema: Schema; initial?: unknown; isAsked?: boolean }) {
  const form = useSchemaForm(schema, initial);
  value = form.value;
  problems = form.problems;
  return <SchemaForm form={form} label="Parameters" isAsked={isAsked} refused={new Map([["region", "No such region."]])} />;
}

afterEach(cleanup);

test("a form begins with defaults, and with what is required empty", () => {
  render(<Host schema={SCHEMA} />);

  expect(value).toEqual({ region: "", rows: 3 });
  expect(screen.getByLabelText("Region (required)")).toHaveProperty("value", "");
});

test("what is written in the form is in the JSON, and the other way about", () => {
  render(<Host schema={SCHEMA} initial={{ region: "eu", mode: "full" }} />);
  fireEvent.change(screen.getByLabelText("Rows"), { target: { value: "12" } });
  fireEvent.change(screen.getByLabelText("Mode (required)"), { target: { value: "1" } });
  fireEvent.click(screen.getByRole("button", { name: "JSON" }));
  const text = screen.getByRole("textbox", { name: "Parameters as JSON" });
  expect(JSON.parse((text as HTMLTextAreaElement).value)).toEqual({ region: "eu", rows: 12, mode: "delta" });

  fireEvent.change(text, { target: { value: '{"region": "us", "since": "2026-11-28"}' } });
  fireEvent.click(screen.getByRole("button", { name: "Form" }));

  expect(value).toEqual({ region: "us", since: "2026-11-28" });
});

test("a text that is no JSON is kept, said to be none, and not sent; nor is what was before it", () => {
  render(<Host schema={SCHEMA} initial={{ region: "eu", mode: "full" }} />);
  fireEvent.click(screen.getByRole("button", { name: "JSON" }));
  expect(problems.size).toBe(0);

  fireEvent.change(screen.getByRole("textbox", { name: "Parameters as JSON" }), { target: { value: '{"region": ' } });

  expect(screen.getByText(/^This is not JSON/)).toBeDefined();
  expect(problems.get("")).toMatch(/^This is not JSON/);
  fireEvent.click(screen.getByRole("button", { name: "Form" }));
  expect(screen.getByRole("textbox", { name: "Parameters as JSON" })).toHaveProperty("value", '{"region": ');

  fireEvent.click(screen.getByRole("button", { name: "Back to what the form has" }));
  expect(problems.size).toBe(0);
  fireEvent.click(screen.getByRole("button", { name: "Form" }));
  expect(screen.getByLabelText("Region (required)")).toHaveProperty("value", "eu");
});

test.each([
  ["9007199254740993", /cannot keep 9007199254740993 exact/],
  ["1e20", /cannot keep 1e20 exact/],
])("a whole number that a browser would change is refused with the reason: %s", (text, reason) => {
  render(<Host schema={SCHEMA} initial={{ region: "eu", mode: "full" }} />);

  fireEvent.change(screen.getByLabelText("Rows"), { target: { value: text } });

  expect(problems.get("rows")).toMatch(reason);
  expect(screen.getByLabelText("Rows")).toHaveProperty("value", text);
});

test("a text that grows long keeps its field, and with it the caret", () => {
  render(<Host schema={SCHEMA} initial={{ region: "r".repeat(80), mode: "full" }} />);
  const field = screen.getByLabelText("Region (required)");
  field.focus();

  fireEvent.change(field, { target: { value: "r".repeat(81) } });
  expect(screen.getByLabelText("Region (required)")).toBe(field);
  expect(document.activeElement).toBe(field);
  fireEvent.blur(field);

  expect(screen.getByLabelText("Region (required)").tagName).toBe("TEXTAREA");
});

test("something can be given, and left out again", () => {
  render(<Host schema={SCHEMA} initial={{ region: "eu", mode: "full" }} />);

  fireEvent.click(screen.getByRole("button", { name: "Give it: Since" }));
  expect(value).toHaveProperty("since", "");
  fireEvent.click(screen.getByRole("button", { name: "Leave out Since" }));

  expect(value).not.toHaveProperty("since");
});

test("what is wrong is said at its place, by the form and by the server", () => {
  render(<Host schema={SCHEMA} isAsked />);

  expect(screen.getByText("Choose one.")).toBeDefined();
  expect(screen.getByLabelText("Region (required)").getAttribute("aria-invalid")).toBe("true");
  expect(screen.getByText("No such region.")).toBeDefined();
});

test("any schema can be drawn with any of its values", () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const random = randomFrom(seed);
    const made = randomCase(random);
    const { container, unmount } = render(<Host schema={lift(made.schema)} initial={made.value(random)} />);

    expect(container.textContent, `seed ${seed}`).toContain("Form");
    unmount();
  }
});
