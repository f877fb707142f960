/** The task runs of a run, in the order in which they were made. */
import { useNavigate } from "@tanstack/react-router";
import type { TaskRowFragment } from "@/generated/graphql";
import type { Pages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { StateLabel } from "@/ui/StateLabel";
import { Duration, Time } from "@/ui/Time";

export interface TaskTableProps {
  tasks: Pages<TaskRowFragment>;
  task: string | undefined;
  chosenTask: TaskRowFragment | undefined;
  onTask: (task: string | undefined) => void;
}

const COLUMNS: readonly Column<TaskRowFragment>[] = [
  { id: "state", title: "State", width: 150, cell: (task) => <StateLabel type={task.state.type} name={task.state.name} /> },
  { id: "name", title: "Task run", cell: (task) => <Crumb to={`/task-runs/${task.id}`}>{task.name}</Crumb> },
  { id: "message", title: "Says", from: "lg", cell: (task) => <span className="faint" title={task.state.message ?? undefined}>{task.state.message}</span> },
  { id: "attempt", title: "Attempt", width: 90, isNumber: true, isOptional: true, cell: (task) => task.attempt },
  { id: "start", title: "Start", width: 140, from: "md", cell: (task) => <Time at={task.startedAt} /> },
  { id: "duration", title: "Duration", width: 110, isNumber: true, cell: (task) => <Duration length={task.duration} startedAt={task.startedAt} endedAt={task.endedAt} /> },
];

/** The chosen one stands on top until the list is read as far as to it. */
export function TaskTable({ tasks, task, chosenTask, onTask }: TaskTableProps) {
  const place = usePlace();
  const navigate = useNavigate();
  if (tasks.error && !tasks.rows) return <ErrorState error={tasks.error} onRetry={tasks.again} />;
  if (!tasks.rows) return <Skeleton rows={6} />;
  const isFar = chosenTask !== undefined && !tasks.rows.some(({ id }) => id === chosenTask.id);
  const rows = isFar ? [chosenTask, ...tasks.rows] : tasks.rows;
  if (rows.length === 0) return <EmptyState title="It has no task runs." />;
  return (
    <DataTable
      name="task_runs"
      label="Task runs"
      columns={COLUMNS}
      rows={rows}
      keyOf={(each) => each.id}
      peeked={task}
      showsPeeked
      onPeek={(each) => onTask(each.id === task ? undefined : each.id)}
      onOpen={(each) => void navigate({ to: `/${place.organization}/${place.workspace}/task-runs/${each.id}` })}
      hasMore={tasks.hasMore}
      onMore={tasks.more}
    />
  );
}
