/** Lines of a log: only those in sight are in the page; follows the end while one is there. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { localZone, showExactly, showTime } from "@/lib/time";
import { useKey } from "@/ui/keys";

const ZONE = localZone();

export interface LogRow {
  key: string;
  /** ISO 8601; undefined for further rows of the line before. */
  at: string | undefined;
  level: { name: string; short: string };
  message: string;
}

export interface LogViewProps {
  rows: readonly LogRow[];
  label: string;
  /** A text that is marked wherever it stands. */
  marked?: string;
  /** Where there are older lines: reads some, once one has come near to the first. */
  onEarlier?: () => void;
}

const LINE_PX = 20;
const PHONE_PX = 720;
const NEAR_END_PX = 30;
const NEAR_BEGIN_PX = 400;

/** On a phone most of a line would be out of sight. */
function isNarrow(): boolean {
  return typeof window.matchMedia === "function" && window.matchMedia(`(max-width: ${PHONE_PX}px)`).matches;
}

export function LogView({ rows, label, marked = "", onEarlier }: LogViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  const [isWrapped, setWrapped] = useState(isNarrow);
  const view = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 20,
  });
  // Lines that are wrapped are as high as it turns out once they are drawn.
  const total = isWrapped ? view.getTotalSize() : 0;
  const first = useRef(rows[0]?.key);
  useLayoutEffect(() => {
    const before = first.current;
    first.current = rows[0]?.key;
    if (before === undefined || before === rows[0]?.key || isFollowing) return;
    const added = rows.findIndex(({ key }) => key === before);
    if (added > 0 && box.current) box.current.scrollTop += added * LINE_PX;
  }, [isFollowing, rows]);
  useEffect(() => {
    if (isFollowing && rows.length > 0) view.scrollToIndex(rows.length - 1, { align: "end" });
  }, [isFollowing, rows.length, total, view]);
  useKey("w", () => {
    setWrapped(!isWrapped);
    view.measure();
  });
  useKey("e", () => {
    const found = rows.findIndex((row) => row.level.name === "error" || row.level.name === "critical");
    if (found < 0) return;
    setFollowing(false);
    view.scrollToIndex(found, { align: "center" });
  });
  const onScroll = (): void => {
    const at = box.current;
    if (!at) return;
    const isAtEnd = at.scrollHeight - at.scrollTop - at.clientHeight < NEAR_END_PX;
    setFollowing(isAtEnd);
    if (!isAtEnd && at.scrollTop < NEAR_BEGIN_PX) onEarlier?.();
  };
  return (
    <div className="log-frame">
      <div className={isWrapped ? "log-view is-wrapped" : "log-view"} ref={box} onScroll={onScroll} role="log" aria-live="off" aria-label={label} tabIndex={0}>
        <div style={{ height: view.getTotalSize(), position: "relative" }}>
          {view.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <div key={item.key} ref={isWrapped ? view.measureElement : undefined} data-index={item.index} className="log-line" data-level={row.level.name} style={{ transform: `translateY(${item.start}px)` }}>
                <span className="faint num" title={row.at && showExactly(new Date(row.at), ZONE)}>{row.at && showTime(new Date(row.at), new Date(row.at), ZONE)}</span>
                <span>{row.level.short}</span>
                <span className="log-message" title={row.message}><Marked text={row.message} marked={marked} /></span>
              </div>
            );
          })}
        </div>
      </div>
      {!isFollowing && (
        <button type="button" className="button is-small log-end" onClick={() => setFollowing(true)}>To the end</button>
      )}
    </div>
  );
}

function Marked({ text, marked }: { text: string; marked: string }) {
  if (marked === "") return text;
  const at = text.toLowerCase().indexOf(marked.toLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + marked.length)}</mark>
      <Marked text={text.slice(at + marked.length)} marked={marked} />
    </>
  );
}
