/** The head of a table: titles that order, edges that can be drawn, and which columns to show. */
import { type PointerEvent, useRef } from "react";
import { type ColumnChoice, LEAST_WIDTH_PX } from "@/ui/columns";
import type { Column } from "@/ui/DataTable";
import { Menu } from "@/ui/Menu";

export interface Order {
  by: string;
  isDescending: boolean;
  onOrder: (by: string, isDescending: boolean) => void;
}

export interface TableHeadProps<Row> {
  columns: readonly Column<Row>[];
  shown: readonly Column<Row>[];
  choice: ColumnChoice;
  onChoice: (choice: ColumnChoice) => void;
  order?: Order | undefined;
  isAllChosen?: boolean | undefined;
  onChooseAll?: ((isAll: boolean) => void) | undefined;
}

const CHOOSE_PX = 44;

function hiddenBelow(from: "md" | "lg" | undefined): string | undefined {
  if (from === undefined) return undefined;
  return from === "lg" ? "max-lg:hidden" : "max-md:hidden";
}

export function TableHead<Row>({ columns, shown, choice, onChoice, order, isAllChosen, onChooseAll }: TableHeadProps<Row>) {
  const hasChooser = columns.some((column) => column.isOptional);
  return (
    <>
      <colgroup>
        {onChooseAll && <col style={{ width: CHOOSE_PX }} />}
        {shown.map((column) => {
          const width = choice.widths[column.id] ?? column.width;
          return <col key={column.id} className={hiddenBelow(column.from)} style={width === undefined ? undefined : { width }} />;
        })}
      </colgroup>
      <thead>
        <tr>
          {onChooseAll && (
            <th scope="col" className="table-choose">
              <input type="checkbox" aria-label="Choose all that are shown" checked={isAllChosen ?? false} onChange={(event) => onChooseAll(event.target.checked)} />
            </th>
          )}
          {shown.map((column, index) => (
            <th key={column.id} scope="col" className={[column.isNumber && "is-number", hiddenBelow(column.from)].filter(Boolean).join(" ")} aria-sort={sortOf(column, order)}>
              <Title column={column} order={order} />
              {hasChooser && index === shown.length - 1 && <Chooser columns={columns} choice={choice} onChoice={onChoice} />}
              <Edge onWidth={(width) => onChoice({ ...choice, widths: { ...choice.widths, [column.id]: width } })} />
            </th>
          ))}
        </tr>
      </thead>
    </>
  );
}

function sortOf<Row>(column: Column<Row>, order: Order | undefined): "ascending" | "descending" | undefined {
  if (!order || column.order !== order.by) return undefined;
  return order.isDescending ? "descending" : "ascending";
}

function Title<Row>({ column, order }: { column: Column<Row>; order: Order | undefined }) {
  if (!order || column.order === undefined) return column.title;
  const by = column.order;
  const isBy = order.by === by;
  return (
    <button type="button" className="table-order" onClick={() => order.onOrder(by, isBy ? !order.isDescending : true)}>
      {column.title}
      <span aria-hidden="true">{isBy ? (order.isDescending ? " ↓" : " ↑") : ""}</span>
    </button>
  );
}

function Chooser<Row>({ columns, choice, onChoice }: { columns: readonly Column<Row>[]; choice: ColumnChoice; onChoice: (choice: ColumnChoice) => void }) {
  return (
    <Menu
      label="⋯"
      name="Columns"
      className="icon-button table-chooser"
      entries={columns.map((column) => {
        const isShown = choice.shown[column.id] ?? !column.isOptional;
        return {
          label: column.title,
          isChecked: isShown,
          onSelect: () => onChoice({ ...choice, shown: { ...choice.shown, [column.id]: !isShown } }),
        };
      })}
    />
  );
}

/** The right edge of a column, drawn with the pointer; the width is kept when it is let go. */
function Edge({ onWidth }: { onWidth: (width: number) => void }) {
  const begun = useRef<{ x: number; width: number }>(undefined);
  const widthAt = (event: PointerEvent): number => {
    const from = begun.current ?? { x: event.clientX, width: LEAST_WIDTH_PX };
    return Math.max(LEAST_WIDTH_PX, Math.round(from.width + event.clientX - from.x));
  };
  return (
    <span
      className="table-edge"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        begun.current = { x: event.clientX, width: event.currentTarget.parentElement?.offsetWidth ?? LEAST_WIDTH_PX };
      }}
      onPointerMove={(event) => {
        if (begun.current) onWidth(widthAt(event));
      }}
      onPointerUp={(event) => {
        if (begun.current) onWidth(widthAt(event));
        begun.current = undefined;
      }}
    />
  );
}
