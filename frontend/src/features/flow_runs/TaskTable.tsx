/** The task runs of a run. */
import type { TaskRowFragment } from "@/generated/graphql";
import { EmptyState } from "@/ui/Feedback";
import { StateLabel } from "@/ui/StateLabel";
import { Duration, Time } from "@/ui/Time";

export function TaskTable({ tasks, total }: { tasks: readonly TaskRowFragment[]; total: number }) {
  if (tasks.length === 0) return <EmptyState title="No task has run yet." />;
  return (
    <div className="min-w-0">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Task run</th>
            <th scope="col">Start</th>
            <th scope="col" className="is-number">Duration</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.id}>
              <td>
                <StateLabel type={task.state.type} name={task.state.name} />
              </td>
              <td title={task.state.message ?? undefined}>{task.name}</td>
              <td>
                <Time at={task.startedAt} />
              </td>
              <td className="is-number">
                <Duration length={task.duration} startedAt={task.startedAt} endedAt={task.endedAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {total > tasks.length && (
        <p className="faint px-5 text-[13px]">{`The first ${tasks.length} of ${total.toLocaleString("en")}.`}</p>
      )}
    </div>
  );
}
