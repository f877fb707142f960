/** The task runs of a run over time: one by one where they are few, counted where they are many. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { useQuery } from "urql";
import { RunTimelineDocument, type TaskRowFragment } from "@/generated/graphql";
import { MOST_BARS } from "@/features/flow_runs/asked";
import { barsOf, cellsOf, pieceAround } from "@/features/flow_runs/columns";
import { useReadQuery } from "@/lib/ahead";
import { usePlace } from "@/lib/place";
import { useSettled } from "@/lib/settled";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import type { TimeView } from "@/ui/timeline/layout";
import { Timeline } from "@/ui/timeline/Timeline";

export interface TaskTimelineProps {
  runId: string;
  /** Changes whenever a task run has. */
  mark: unknown;
  task: string | undefined;
  chosenTask: TaskRowFragment | undefined;
  onTask: (task: string | undefined) => void;
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}

export function TaskTimeline({ runId, mark, task, chosenTask, onTask }: TaskTimelineProps) {
  const place = usePlace();
  const navigate = useNavigate();
  const [view, setView] = useState<TimeView>();
  const asked = useSettled(view);
  const [whole, again] = useReadQuery(RunTimelineDocument, { id: runId, most: MOST_BARS });
  const isCounted = whole.data?.flowRun?.timeline.detail === "COUNTS";
  const [piece] = useQuery({
    query: RunTimelineDocument,
    variables: { id: runId, most: MOST_BARS, ...(asked ? { from: timeOf(asked.from), to: timeOf(asked.to) } : {}) },
    pause: !isCounted || !asked,
  });
  const seen = useRef(mark);
  useEffect(() => {
    // The first list of tasks tells nothing new: it was read with what is shown.
    const isNew = seen.current !== undefined && seen.current !== mark;
    seen.current = mark;
    if (isNew) again({ requestPolicy: "network-only" });
  }, [again, mark]);
  const all = whole.data?.flowRun?.timeline;
  const shown = (isCounted && asked ? piece.data?.flowRun?.timeline : undefined) ?? all;
  const bars = useMemo(() => barsOf(shown?.taskRuns), [shown]);
  const cells = useMemo(() => (shown?.detail === "COUNTS" ? cellsOf(shown) : undefined), [shown]);
  const extent = useMemo(() => (isCounted && all ? { from: Date.parse(all.from), to: Date.parse(all.to) } : undefined), [all, isCounted]);
  const [lookAt, setLookAt] = useState<TimeView>();
  const sought = useRef<string>(undefined);
  useEffect(() => {
    if (!chosenTask || !extent || !all || sought.current === chosenTask.id) return;
    sought.current = chosenTask.id;
    const { id, startedAt, endedAt } = chosenTask;
    if (startedAt && !bars.some((bar) => bar.id === id)) setLookAt(pieceAround({ begun: startedAt, ended: endedAt }, extent, all.total));
  }, [all, bars, chosenTask, extent]);
  if (whole.error && !all) return <ErrorState error={whole.error} onRetry={() => again({ requestPolicy: "network-only" })} />;
  if (!all) return <Skeleton rows={6} />;
  if (all.total === all.unbegun) return <EmptyState title={all.total === 0 ? "It has no task runs." : "No task has begun yet."} />;
  return (
    <Timeline
      bars={bars}
      cells={cells}
      whole={extent}
      lookAt={lookAt}
      onView={setView}
      total={all.total}
      label="Task runs over time"
      chosen={task}
      onChoose={onTask}
      onOpen={(id) => void navigate({ to: `/${place.organization}/${place.workspace}/task-runs/${id}` })}
    />
  );
}
