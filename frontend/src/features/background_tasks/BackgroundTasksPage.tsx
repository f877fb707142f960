/** The calls of tasks that wait for a worker, run on one, or are over; and why one of them waits. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { type BackgroundTaskRowFragment, BackgroundTasksDocument } from "@/generated/graphql";
import { BackgroundTaskPeek } from "@/features/background_tasks/BackgroundTaskPeek";
import { filterOf, STANDINGS, type Standing } from "@/features/background_tasks/search";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Command } from "@/ui/Copy";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { StateLabel } from "@/ui/StateLabel";
import { Time } from "@/ui/Time";

const COLUMNS: readonly Column<BackgroundTaskRowFragment>[] = [
  { id: "state", title: "State", width: 130, cell: (row) => <StateLabel type={row.stateType} name={row.stateName} /> },
  { id: "name", title: "Call", cell: (row) => row.name },
  { id: "task", title: "Task", width: 160, from: "md", cell: (row) => <code>{row.taskKey}</code> },
  { id: "tags", title: "Tags", width: 110, from: "lg", cell: (row) => row.tags.map((tag) => <span key={tag} className="tag mr-1">{tag}</span>) },
  { id: "queued", title: "Queued", width: 100, cell: (row) => <Time at={row.createdAt} isRelative /> },
  { id: "ended", title: "Ended", width: 100, from: "md", cell: (row) => <Time at={row.endedAt} isRelative /> },
];

export function BackgroundTasksPage() {
  const { organization, workspace } = usePlace();
  useTitle("Background tasks", workspace);
  const { standing, task } = useSearch({ from: "/$organization/$workspace/background-tasks" });
  const navigate = useNavigate({ from: "/$organization/$workspace/background-tasks" });
  const filter = useMemo(() => filterOf(standing), [standing]);
  const list = usePages("background tasks", BackgroundTasksDocument, { organization, workspace, filter }, (data) => data.workspace?.backgroundTasks);
  const workspaceId = useWorkspaceId();
  useChanges(workspaceId, ["background_task"], list.again);
  const peek = (id: string | undefined): void => void navigate({ search: ({ task: _task, ...rest }) => (id === undefined ? rest : { ...rest, task: id }), replace: true });
  const onStanding = (next: readonly Standing[]): void => void navigate({ search: next.length > 0 ? { standing: [...next] } : {}, replace: true });
  const { rows } = list;
  return (
    <>
      <PageHead title="Background tasks" />
      <div className="toolbar" role="search">
        {(Object.keys(STANDINGS) as Standing[]).map((each) => {
          const isOn = standing?.includes(each) ?? false;
          return (
            <button key={each} type="button" className="button" aria-pressed={isOn} onClick={() => onStanding(isOn ? (standing ?? []).filter((other) => other !== each) : [...(standing ?? []), each])}>
              {STANDINGS[each].label}
            </button>
          );
        })}
        {list.total && <span className="num faint ml-auto text-[13px]">{`${list.total.value.toLocaleString("en")} ${list.total.value === 1 ? "call" : "calls"}`}</span>}
      </div>
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={8} />}
      {rows?.length === 0 && (standing ? <NothingMatches what="call" onClear={() => onStanding([])} /> : <NoCalls />)}
      {rows && rows.length > 0 && (
        <DataTable
          name="background_tasks"
          of={list.of}
          label="Background tasks"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.id}
          peeked={task}
          onPeek={(row) => peek(row.id === task ? undefined : row.id)}
          onOpen={(row) => peek(row.id)}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
      {task !== undefined && <BackgroundTaskPeek key={task} id={task} onClose={() => peek(undefined)} onDone={list.again} />}
    </>
  );
}

function NoCalls() {
  return (
    <EmptyState title="No call of a task waits for a worker, or did. Code queues one with task.delay(), and a worker runs it.">
      <Command text="headgate task serve path/file.py:TASK" />
    </EmptyState>
  );
}
