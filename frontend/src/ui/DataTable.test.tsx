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
