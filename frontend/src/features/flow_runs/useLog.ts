/** A run's log from its end: live, or only what matches; older lines are read when they are wanted. */
import { useCallback, useEffect, useRef, useState } from "react";
import { type CombinedError, useClient } from "urql";
import { type Batch, extend, extendBackwards, type Log, NO_LOG } from "@/features/flow_runs/logs";
import { type LogFilter, LogPageDocument, LogTailDocument } from "@/generated/graphql";
import { useReturns } from "@/lib/live";

export interface LogRead extends Log {
  isReading: boolean;
  /** Reads the lines before the first one. */
  onEarlier: () => void;
  /** Why it, or what is before it, could not be read. */
  error: CombinedError | undefined;
  /** Reads it anew. */
  again: () => void;
}

/**
 * ``filter`` has to stay the same object for as long as it says the same. What arrives within a frame is shown at once.
 * A search of a run that is over (``isOver``) is not followed: the server would look through all of the log again. One that
 * starts again is read anew, and followed.
 */
export function useLog(runId: string, filter: LogFilter | undefined, isOver: boolean): LogRead {
  const client = useClient();
  const [log, setLog] = useState<Log>(NO_LOG);
  const [isReading, setReading] = useState(false);
  const [error, setError] = useState<CombinedError>();
  const turn = useRef(0);
  const over = useRef(isOver);
  const [starts, setStarts] = useState(0);
  useEffect(() => {
    if (over.current && !isOver) setStarts((before) => before + 1);
    over.current = isOver;
  }, [isOver]);
  const readPage = useCallback(
    async (before: string | undefined) => {
      const variables = { id: runId, ...(filter ? { filter } : {}), ...(before ? { before } : {}) };
      const mine = turn.current;
      setReading(true);
      const { data, error: failed } = await client.query(LogPageDocument, variables, { requestPolicy: "network-only" }).toPromise();
      const page = data?.flowRun?.logs;
      if (mine !== turn.current) return undefined;
      setReading(false);
      setError(failed);
      if (page) setLog((now) => (now.before === before ? extendBackwards(now, page) : now));
      return page;
    },
    [client, filter, runId],
  );
  useEffect(() => {
    turn.current += 1;
    let [frame, isGone, waiting] = [0, false, [] as Batch[]];
    let stop = (): void => undefined;
    setLog(NO_LOG);
    const show = (): void => {
      const batches = waiting;
      [frame, waiting] = [0, []];
      setLog((before) => extend(before, batches));
    };
    const follow = (after: string | null | undefined): void => {
      const variables = { id: runId, ...(filter ? { filter } : {}), ...(after ? { after } : {}) };
      const tail = client.subscription(LogTailDocument, variables).subscribe(({ data }) => {
        if (!data) return;
        waiting.push(data.logTail);
        if (frame === 0) frame = requestAnimationFrame(show);
      });
      stop = tail.unsubscribe;
    };
    void readPage(undefined).then((page) => {
      // What is followed without its end would seem to begin there.
      if (isGone || !page) return;
      if (filter && over.current) setLog((before) => ({ ...before, isCaughtUp: true }));
      else follow(page.pageInfo.endCursor);
    });
    return () => {
      isGone = true;
      turn.current += 1;
      stop();
      cancelAnimationFrame(frame);
    };
  }, [client, runId, filter, readPage, starts]);
  const onEarlier = useCallback(() => {
    if (log.before !== undefined && !isReading) void readPage(log.before);
  }, [isReading, log.before, readPage]);
  const again = useCallback(() => setStarts((before) => before + 1), []);
  useReturns(() => error && again());
  return { ...log, isReading, onEarlier, error, again };
}
