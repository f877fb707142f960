// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Column, DataTable } from "@/ui/DataTable";

interface Row {
  id: string;
  name: string;
}

const ROWS: Row[] = [1, 2, 3].map((number) => ({ id: `r${number}`, name: `row ${number}` }));
const COLUMNS: Column<Row>[] = [
  { id: "name", title: "Name", cell: (row) => row.name },
  { id: "id", title: "Id", cell: (row) => row.id, isOptional: true },
];

beforeEach(() => window.localStorage.clear());
afterEach(cleanup);

function draw(more: Partial<Parameters<typeof DataTable<Row>>[0]> = {}) {
  render(<DataTable name="tests" label="Rows" columns={COLUMNS} rows={ROWS} keyOf={(row) => row.id} {...more} />);
  return screen.getAllByRole("row").slice(1);
}

test("an optional column is shown once it is chosen", () => {
  window.localStorage.setItem("headgate.columns.tests", '{"widths":{},"shown":{"id":true}}');

  draw();

  expect(screen.getAllByRole("columnheader").map((each) => each.firstChild?.textContent)).toEqual(["Name", "Id"]);
});

test("a row is opened, looked at and chosen by keys", () => {
  const [onOpen, onPeek, onChoose] = [vi.fn(), vi.fn(), vi.fn()];
  const [, second] = draw({ onOpen, onPeek, onChoose, chosen: new Set(["r1"]) });
  if (!second) throw new Error("There is no second row.");

  fireEvent.keyDown(second, { key: "Enter" });
  fireEvent.keyDown(second, { key: " " });
  fireEvent.keyDown(second, { key: "x" });

  expect(onOpen).toHaveBeenCalledExactlyOnceWith(ROWS[1]);
  expect(onPeek).toHaveBeenCalledExactlyOnceWith(ROWS[1]);
  expect(onChoose).toHaveBeenCalledExactlyOnceWith(new Set(["r1", "r2"]));
});

test("the head chooses all rows, and none", () => {
  const onChoose = vi.fn();
  draw({ onChoose, chosen: new Set() });

  fireEvent.click(screen.getByRole("checkbox", { name: "Choose all that are shown" }));

  expect(onChoose).toHaveBeenCalledExactlyOnceWith(new Set(["r1", "r2", "r3"]));
});

test("one row at a time is reached with Tab", () => {
  const rows = draw();

  fireEvent.focus(rows[2] as HTMLElement);

  expect(screen.getAllByRole("row").slice(1).map((row) => row.tabIndex)).toEqual([-1, -1, 0]);
  expect(within(rows[2] as HTMLElement).getByText("row 3")).toBeDefined();
});

test("more is asked for as the end comes near", () => {
  const onMore = vi.fn();

  draw({ hasMore: true, onMore });

  expect(onMore).toHaveBeenCalledOnce();
});

test("rows that are drawn but not in sight ask for no more", () => {
  const onMore = vi.fn();
  const rows = Array.from({ length: 50 }, (_, index) => ({ id: `r${index}`, name: `row ${index}` }));

  render(<div data-scroller="content"><DataTable name="tests" label="Rows" columns={COLUMNS} rows={rows} keyOf={(row) => row.id} hasMore onMore={onMore} /></div>);

  expect(screen.getAllByRole("row")).toHaveLength(51);
  expect(onMore).not.toHaveBeenCalled();
});

test("each row's mark is called after its row", () => {
  draw({ onChoose: vi.fn(), chosen: new Set() });

  expect(screen.getByRole("checkbox", { name: "Choose row 2" })).toBeDefined();
});

function names(): (string | null | undefined)[] {
  return screen.getAllByRole("row").slice(1).map((each) => each.firstChild?.textContent);
}

test("rows stay under the pointer; new ones are told, and let in", () => {
  const draws = (rows: Row[]) => <DataTable name="tests" of="all" label="Rows" columns={COLUMNS} rows={rows} keyOf={(row) => row.id} />;
  const { rerender } = render(draws(ROWS));
  const [, body] = screen.getAllByRole("rowgroup");
  fireEvent.pointerEnter(body as HTMLElement, { pointerType: "mouse" });

  rerender(draws([{ id: "r0", name: "row 0" }, ...ROWS.map((row) => ({ ...row, name: `${row.name}!` }))]));
  expect(names()).toEqual(["row 1!", "row 2!", "row 3!"]);
  fireEvent.click(screen.getByRole("button", { name: "1 new" }));

  expect(names()).toEqual(["row 0", "row 1!", "row 2!", "row 3!"]);
});

test("rows of another question are there at once, wherever the pointer is", () => {
  const draws = (of: string, rows: Row[]) => <DataTable name="tests" of={of} label="Rows" columns={COLUMNS} rows={rows} keyOf={(row) => row.id} />;
  const { rerender } = render(draws("all", ROWS));
  fireEvent.pointerEnter(screen.getAllByRole("rowgroup")[1] as HTMLElement, { pointerType: "mouse" });

  rerender(draws("failed", ROWS.slice(1)));

  expect(names()).toEqual(["row 2", "row 3"]);
});

test("j and k go from row to row, and take along what is looked at", () => {
  const onPeek = vi.fn();
  const rows = draw({ onPeek, peeked: "r1" });

  for (const key of ["j", "j", "j", "k"]) fireEvent.keyDown(document, { key });

  expect(document.activeElement).toBe(rows[1]);
  expect(onPeek.mock.calls.map(([row]) => (row as Row).id)).toEqual(["r2", "r3", "r2"]);
});

test("of two tables the keys are for one", () => {
  render(
    <>
      {["first", "second"].map((name) => <DataTable key={name} name={name} label={name} columns={COLUMNS} rows={ROWS} keyOf={(row) => row.id} />)}
    </>,
  );
  const [first, second] = screen.getAllByRole("table");
  const within_ = (table: HTMLElement | undefined) => table?.contains(document.activeElement);

  fireEvent.keyDown(document, { key: "j" });
  expect(within_(first)).toBe(true);
  second?.querySelector<HTMLElement>("tbody tr")?.focus();
  fireEvent.keyDown(document, { key: "j" });

  expect(within_(second)).toBe(true);
  expect(document.activeElement?.textContent).toContain("row 2");
});
