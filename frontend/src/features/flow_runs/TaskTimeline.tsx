/** The task runs of a run over time. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import type { TaskRowFragment } from "@/generated/graphql";
import type { Pages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import type { TimelineBar } from "@/ui/timeline/layout";
import { Timeline } from "@/ui/timeline/Timeline";

const MOST_BARS = 300;

export interface TaskTimelineProps {
  tasks: Pages<TaskRowFragment>;
  task: string | undefined;
  onTask: (task: string | undefined) => void;
}

export function TaskTimeline({ tasks, task, onTask }: TaskTimelineProps) {
  const place = usePlace();
  const navigate = useNavigate();
  const { rows, hasMore, isReading, more } = tasks;
  const count = rows?.length ?? 0;
  useEffect(() => {
    if (hasMore && !isReading && count < MOST_BARS) more();
  }, [count, hasMore, isReading, more]);
  const bars = useMemo(() => (rows ?? []).flatMap(barOf), [rows]);
  if (tasks.error && !rows) return <ErrorState error={tasks.error} onRetry={tasks.again} />;
  if (!rows) return <Skeleton rows={6} />;
  if (bars.length === 0) return <EmptyState title="No task has run yet." />;
  return (
    <Timeline
      bars={bars}
      total={tasks.total?.value ?? bars.length}
      label="Task runs over time"
      chosen={task}
      onChoose={onTask}
      onOpen={(id) => void navigate({ to: `/${place.organization}/${place.workspace}/task-runs/${id}` })}
    />
  );
}

/** None where it has neither started nor ended. */
export function barOf(task: TaskRowFragment): TimelineBar[] {
  const begun = task.startedAt ?? task.endedAt;
  if (!begun) return [];
  return [{
    id: task.id,
    name: task.name,
    lane: task.taskKey,
    begun: Date.parse(begun),
    ended: task.endedAt ? Date.parse(task.endedAt) : undefined,
    state: task.state.type,
    stateName: task.state.name,
  }];
}
