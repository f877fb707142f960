/** The log of a run at the foot of its page. */
import { useMemo } from "react";
import { rowsOf } from "@/features/flow_runs/logs";
import { useLog } from "@/features/flow_runs/useLog";
import { localZone, showTime } from "@/lib/time";
import { LogView } from "@/ui/LogView";

export function RunLog({ runId }: { runId: string }) {
  const log = useLog(runId);
  const rows = useMemo(() => {
    const zone = localZone();
    return log.lines.flatMap((line) => {
      const at = new Date(line.timestamp);
      return rowsOf(line, showTime(at, at, zone));
    });
  }, [log.lines]);
  return (
    <section className="grid min-h-0 grid-rows-[auto_minmax(0,1fr)] border-t border-(--hairline)" aria-label="Log">
      <header className="flex items-center gap-3 px-5 py-2">
        <h2>Log</h2>
        <span className="num faint text-[12px]">{log.lines.length.toLocaleString("en")} lines</span>
        {log.hasGap && <span className="faint text-[12px]">Older lines are past their retention.</span>}
      </header>
      {rows.length === 0 ? (
        <p className="faint m-0 px-5 pb-3 text-[13px]">{log.isCaughtUp ? "Nothing was logged." : "Reading the log…"}</p>
      ) : (
        <LogView rows={rows} label="Log of the run" />
      )}
    </section>
  );
}
