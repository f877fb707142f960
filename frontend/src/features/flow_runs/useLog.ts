/** A run's log, live from its first line, or only what matches; what arrives within a frame is shown at once. */
import { useEffect, useRef, useState } from "react";
import { useClient } from "urql";
import { type LogFilter, LogTailDocument } from "@/generated/graphql";
import { type Batch, extend, type Log, NO_LOG } from "@/features/flow_runs/logs";

/** ``filter`` has to stay the same object for as long as it says the same. */
export function useLog(runId: string, filter: LogFilter | undefined): Log {
  const client = useClient();
  const [log, setLog] = useState<Log>(NO_LOG);
  const waiting = useRef<Batch[]>([]);
  useEffect(() => {
    let frame = 0;
    setLog(NO_LOG);
    const show = (): void => {
      frame = 0;
      const batches = waiting.current;
      waiting.current = [];
      setLog((before) => extend(before, batches));
    };
    const tail = client.subscription(LogTailDocument, { id: runId, ...(filter ? { filter } : {}) }).subscribe(({ data }) => {
      if (!data) return;
      waiting.current.push(data.logTail);
      if (frame === 0) frame = requestAnimationFrame(show);
    });
    return () => {
      tail.unsubscribe();
      cancelAnimationFrame(frame);
      waiting.current = [];
    };
  }, [client, runId, filter]);
  return log;
}
