/** Lines of a log: only those in sight are in the page; follows the end while one is there. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";

export interface LogRow {
  key: string;
  at: string;
  level: { name: string; short: string };
  message: string;
}

const LINE_PX = 20;
const NEAR_END_PX = 30;

export function LogView({ rows, label }: { rows: readonly LogRow[]; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  const view = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  useEffect(() => {
    if (isFollowing && rows.length > 0) view.scrollToIndex(rows.length - 1, { align: "end" });
  }, [isFollowing, rows.length, view]);
  const onScroll = (): void => {
    const at = box.current;
    if (at) setFollowing(at.scrollHeight - at.scrollTop - at.clientHeight < NEAR_END_PX);
  };
  return (
    <div className="log-view" ref={box} onScroll={onScroll} role="log" aria-label={label} tabIndex={0}>
      <div style={{ height: view.getTotalSize(), position: "relative" }}>
        {view.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <div key={row.key} className="log-line" data-level={row.level.name} style={{ transform: `translateY(${item.start}px)` }}>
              <span className="faint num">{row.at}</span>
              <span>{row.level.short}</span>
              <span className="log-message" title={row.message}>{row.message}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
