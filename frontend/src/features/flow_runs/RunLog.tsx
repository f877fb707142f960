/** The log of a run at the foot of its page: live, searched by the server, drawn higher or folded away. */
import { useMemo, useState } from "react";
import type { LogFilter, TaskRowFragment } from "@/generated/graphql";
import { LEVEL_CHOICES, type Log } from "@/features/flow_runs/logs";
import { useLog } from "@/features/flow_runs/useLog";
import { useHolds } from "@/lib/scopes";
import { useSettled } from "@/lib/settled";
import { Dock } from "@/ui/Dock";
import { Lacks, wordsOf } from "@/ui/Feedback";
import { LogView } from "@/ui/LogView";

export interface RunLogProps {
  runId: string;
  /** The run has ended. */
  isOver: boolean;
  task: TaskRowFragment | undefined;
  onTask: (task: string | undefined) => void;
}

export function RunLog(props: RunLogProps) {
  const holds = useHolds("LOGS_READ");
  if (holds === false) return <Dock name="log" label="Log" head={null}><div className="px-(--pad) py-3"><Lacks needs="LOGS_READ" /></div></Dock>;
  return <ReadLog {...props} />;
}

function ReadLog({ runId, isOver, task, onTask }: RunLogProps) {
  const [text, setText] = useState("");
  const [level, setLevel] = useState("0");
  const sought = useSettled(text.trim());
  const taskId = task?.id;
  const filter = useMemo<LogFilter | undefined>(() => {
    const minLevel = Number(level);
    if (sought === "" && minLevel === 0 && taskId === undefined) return undefined;
    return {
      ...(sought === "" ? {} : { text: sought }),
      ...(minLevel === 0 ? {} : { minLevel }),
      ...(taskId === undefined ? {} : { taskRunId: { eq: taskId } }),
    };
  }, [sought, level, taskId]);
  const log = useLog(runId, filter, isOver);
  const { rows } = log;
  return (
    <Dock
      name="log"
      label="Log"
      head={
        <>
          <input className="input w-52 max-md:w-32" type="search" aria-label="Search the whole log" placeholder="Search the log…" value={text} onChange={(event) => setText(event.target.value)} />
          <select className="input" aria-label="Level" value={level} onChange={(event) => setLevel(event.target.value)}>
            {LEVEL_CHOICES.map(({ from, label }) => <option key={from} value={String(from)}>{label}</option>)}
          </select>
          {task && <button type="button" className="button" aria-label={`Show all tasks, not only ${task.name}`} onClick={() => onTask(undefined)}>{task.name} ×</button>}
          <span className="num faint text-[12px]" role="status">
            {countOf(log, filter === undefined)}
            {!log.isCaughtUp && "…"}
          </span>
          {log.dropped > 0 && <span className="faint text-[12px]">{`The first ${log.dropped.toLocaleString("en")} are not kept here; a search looks through them too.`}</span>}
          {log.hasGap && <span className="faint text-[12px]">Older lines are past their retention.</span>}
        </>
      }
    >
      {log.error && <p className="notice m-0" role="status">The log could not be read: {wordsOf(log.error)} <button type="button" className="button is-small" onClick={log.again}>Try again</button></p>}
      {rows.length === 0 ? log.error === undefined && (
        <p className="faint m-0 px-(--pad) py-3 text-[13px]">{log.isCaughtUp ? (filter ? "No line matches." : "Nothing was logged.") : "Reading the log…"}</p>
      ) : (
        <LogView rows={rows} label="Log of the run" marked={sought} {...(log.before === undefined ? {} : { onEarlier: log.onEarlier })} />
      )}
    </Dock>
  );
}

/** How many lines there are; of a log that is not wholly here, how many of them are. */
function countOf({ count, last, before }: Log, isWhole: boolean): string {
  const shown = count.toLocaleString("en");
  if (before === undefined) return `${shown} ${count === 1 ? "line" : "lines"}`;
  return isWhole ? `the last ${shown} of ${last.toLocaleString("en")} lines` : `the last ${shown} lines`;
}
