/** Rows under columns: those in sight only, by mouse and by keyboard; its columns can be chosen and drawn wider. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type FocusEvent, type KeyboardEvent, memo, type PointerEvent, type ReactNode, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useColumnChoice } from "@/ui/columns";
import { useHeldRows } from "@/ui/held";
import { useKey } from "@/ui/keys";
import { type Order, TableHead } from "@/ui/TableHead";

export interface Column<Row> {
  id: string;
  title: string;
  cell: (row: Row) => ReactNode;
  /** Pixels to begin with; a column without shares what is left. */
  width?: number;
  isNumber?: boolean;
  /** Seen on windows of 768 or 1024 pixels and more only. */
  from?: "md" | "lg";
  /** On a phone it stands in the first line, beside what the row is of. */
  isBeside?: boolean;
  /** Not shown until it is chosen. */
  isOptional?: boolean;
  /** The name that the order of rows can be asked by. */
  order?: string;
}

export interface DataTableProps<Row> {
  /** Names the table, and keeps its columns: "runs". */
  name: string;
  label: string;
  /** What its rows are an answer to, where new ones may come at any time: they then wait while one is at the rows. */
  of?: string | undefined;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  /** Enter on a row. Where a click should open it too, a cell holds the link. */
  onOpen?: ((row: Row) => void) | undefined;
  /** Space on a row, and a click on what is not a control. */
  onPeek?: ((row: Row) => void) | undefined;
  /** The row that is looked at beside the table. */
  peeked?: string | undefined;
  /** Scroll to that row, where it is not in sight as it is first there. */
  showsPeeked?: boolean;
  chosen?: ReadonlySet<string> | undefined;
  onChoose?: ((chosen: ReadonlySet<string>) => void) | undefined;
  hasMore?: boolean | undefined;
  onMore?: (() => void) | undefined;
  order?: Order | undefined;
}

const ROW_PX = 35;
const ALL_DRAWN = 60;
const NEAR_END = 15;

function scrollerOf(element: HTMLElement | null): HTMLElement | null {
  return element?.closest<HTMLElement>("[data-scroller]") ?? null;
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { columns, keyOf, hasMore = false, onMore, chosen, onChoose } = props;
  const hold = useHold();
  const { rows, waiting } = useHeldRows(props.of ?? "", props.rows, keyOf, props.of !== undefined && hold.isHeld);
  const [choice, choose] = useColumnChoice(props.name);
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  // Undefined until it is looked for, null where there is none.
  const [scroller, setScroller] = useState<HTMLElement | null>();
  const [margin, setMargin] = useState(0);
  const [active, setActive] = useState(0);
  useLayoutEffect(() => {
    const found = scrollerOf(box.current);
    setScroller(found);
    if (found && box.current) {
      setMargin(box.current.getBoundingClientRect().top - found.getBoundingClientRect().top + found.scrollTop);
    }
  }, []);
  const view = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller ?? null,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => keyOf(rows[index] as Row),
    overscan: 12,
    scrollMargin: margin,
  });
  const isWhole = rows.length <= ALL_DRAWN || !scroller;
  const drawn = isWhole ? rows.slice(0, ALL_DRAWN).map((_, index) => ({ index, start: 0, end: 0 })) : view.getVirtualItems();
  // All of a short list is drawn: what matters is how far down one looks.
  const last = scroller === undefined ? Number.NEGATIVE_INFINITY : ((scroller && isWhole ? view.range?.endIndex : drawn.at(-1)?.index) ?? -1);
  useLayoutEffect(() => {
    if (hasMore && last >= rows.length - NEAR_END) onMore?.();
  }, [hasMore, last, onMore, rows.length]);
  const target = props.showsPeeked && props.peeked !== undefined && scroller !== undefined ? rows.findIndex((row) => keyOf(row) === props.peeked) : -1;
  const isThere = target >= 0;
  useEffect(() => {
    if (!isThere) return;
    if (isWhole) box.current?.querySelector(`tr[data-index="${target}"]`)?.scrollIntoView({ block: "nearest" });
    else view.scrollToIndex(target, { align: "auto" });
    // Where it goes later is for the reader to follow.
  }, [isThere, props.peeked]);
  const shown = useMemo(() => columns.filter((column) => choice.shown[column.id] ?? !column.isOptional), [columns, choice.shown]);
  // What a row is of: on a phone it stands alone in the first line.
  const main = shown.find(({ width }) => width === undefined) ?? shown[0];
  const go = (to: number): void => {
    const index = Math.min(rows.length - 1, Math.max(0, to));
    setActive(index);
    if (!isWhole) view.scrollToIndex(index);
    sought.current = index;
    turn((count) => count + 1);
  };
  // A row further down has to be drawn first.
  const sought = useRef<number>(undefined);
  const [, turn] = useState(0);
  useEffect(() => {
    const row = sought.current === undefined ? null : box.current?.querySelector<HTMLElement>(`tr[data-index="${sought.current}"]`);
    if (!row) return;
    sought.current = undefined;
    row.focus();
  });
  /** What is looked at beside the table goes with the keys. */
  const step = (by: number): void => {
    if (!isForKeys(box.current)) return;
    const to = Math.min(rows.length - 1, Math.max(0, box.current?.contains(document.activeElement) ? active + by : active));
    const row = rows[to];
    go(to);
    if (row && props.peeked !== undefined && keyOf(row) !== props.peeked) props.onPeek?.(row);
  };
  useKey("j", () => step(1));
  useKey("k", () => step(-1));
  const toggle = (key: string): void => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    onChoose?.(next);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>, row: Row, index: number): void => {
    if (event.target !== event.currentTarget) return;
    const acts: Record<string, (() => void) | undefined> = {
      ArrowDown: () => go(index + 1),
      ArrowUp: () => go(index - 1),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      Enter: props.onOpen && (() => props.onOpen?.(row)),
      " ": props.onPeek && (() => props.onPeek?.(row)),
      x: onChoose && (() => toggle(keyOf(row))),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const before = isWhole ? 0 : (drawn[0]?.start ?? margin) - margin;
  const after = isWhole ? 0 : view.getTotalSize() - ((drawn.at(-1)?.end ?? margin) - margin);
  return (
    <div className="data-table" ref={box}>
      {waiting > 0 && (
        <p className="table-new" role="status">
          <button type="button" className="button is-small" onClick={hold.release}>{`${waiting.toLocaleString("en")} new`}</button>
        </p>
      )}
      <table className="table" aria-label={props.label} aria-rowcount={hasMore ? -1 : rows.length + 1}>
        <TableHead
          columns={columns}
          shown={shown}
          choice={choice}
          onChoice={choose}
          order={props.order}
          {...(onChoose ? { isAllChosen: rows.length > 0 && rows.every((row) => chosen?.has(keyOf(row))), onChooseAll: (isAll: boolean) => onChoose(new Set(isAll ? rows.map(keyOf) : [])) } : {})}
        />
        <tbody {...hold.marks}>
          {before > 0 && <tr aria-hidden="true" className="table-space" style={{ height: before }} />}
          {drawn.map(({ index }) => {
            const row = rows[index];
            if (row === undefined) return null;
            const key = keyOf(row);
            return (
              <tr
                key={key}
                ref={isWhole ? undefined : view.measureElement}
                data-index={index}
                aria-rowindex={index + 2}
                aria-selected={chosen?.has(key) || props.peeked === key || undefined}
                tabIndex={index === Math.min(active, rows.length - 1) ? 0 : -1}
                onFocus={() => setActive(index)}
                onKeyDown={(event) => onKeyDown(event, row, index)}
                onClick={(event) => {
                  const isControl = event.target instanceof Element && event.target.closest("a, button, input, label") !== null;
                  if (!isControl) props.onPeek?.(row);
                }}
              >
                {onChoose && (
                  <td className="table-choose">
                    <input type="checkbox" id={`${id}-choose-${key}`} aria-label="Choose" aria-labelledby={`${id}-choose-${key} ${id}-${key}`} tabIndex={-1} checked={chosen?.has(key) ?? false} onChange={() => toggle(key)} />
                  </td>
                )}
                <Cells row={row} shown={shown as readonly Column<unknown>[]} main={main as Column<unknown> | undefined} mainId={onChoose ? `${id}-${key}` : undefined} />
              </tr>
            );
          })}
          {after > 0 && <tr aria-hidden="true" className="table-space" style={{ height: after }} />}
        </tbody>
      </table>
      {hasMore && <p className="faint m-0 px-(--pad) py-2 text-[13px]" role="status">Reading more…</p>}
    </div>
  );
}

/** Of several tables keys are for the one that has the focus, or for the first. */
function isForKeys(table: HTMLElement | null): boolean {
  const focused = document.activeElement?.closest(".data-table");
  return table !== null && table === (focused ?? document.querySelector(".data-table"));
}

/** Whether somebody points at the rows, or has the focus among them. */
function useHold() {
  const [isPointed, setPointed] = useState(false);
  const [isFocused, setFocused] = useState(false);
  const marks = {
    onPointerEnter: (event: PointerEvent) => event.pointerType !== "touch" && setPointed(true),
    onPointerLeave: () => setPointed(false),
    onFocus: () => setFocused(true),
    onBlur: (event: FocusEvent) => event.currentTarget.contains(event.relatedTarget as Node | null) || setFocused(false),
  };
  const release = (): void => {
    setPointed(false);
    setFocused(false);
  };
  return { isHeld: isPointed || isFocused, marks, release };
}

/** Drawn anew only with another row or other columns: what a table shows is far more than what moves in it. */
const Cells = memo(function Cells({ row, shown, main, mainId }: { row: unknown; shown: readonly Column<unknown>[]; main: Column<unknown> | undefined; mainId: string | undefined }) {
  return shown.map((column) => (
    <td key={column.id} id={column === main ? mainId : undefined} className={cellClass(column, column === main)} data-title={column.isNumber ? column.title : undefined}>{column.cell(row)}</td>
  ));
});

function cellClass<Row>({ isNumber, isBeside, from }: Column<Row>, isMain: boolean): string | undefined {
  const seen = from === "lg" ? "max-lg:hidden" : from === "md" ? "max-md:hidden" : undefined;
  return [isMain && "is-main", isBeside && "is-beside", isNumber && "is-number num", seen].filter(Boolean).join(" ") || undefined;
}
