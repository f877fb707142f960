/** Who holds slots of a limit, or waits for some: a run, a background task, or code without either. */
import type { LimitHoldersQuery } from "@/generated/graphql";
import { Crumb } from "@/ui/Crumb";
import { StateLabel } from "@/ui/StateLabel";

type Limit = Extract<NonNullable<LimitHoldersQuery["node"]>, { holders: unknown }>;
export type Holder = Limit["holders"][number];
export type Waiter = Limit["waiters"][number];

export function Who({ one }: { one: Holder | Waiter }) {
  const { run, backgroundTask: task } = one;
  if (run) return <><Crumb to={`/runs/${run.id}`}>{run.name}</Crumb> <StateLabel type={run.state.type} name={run.state.name} /></>;
  if (task) return <><Crumb to="/background-tasks" search={{ task: task.id }}>{task.name}</Crumb> <StateLabel type={task.stateType} name={task.stateName} /></>;
  return <code>{one.leaseId}</code>;
}

export function slotsOf(count: number): string {
  return `${count} ${count === 1 ? "slot" : "slots"}`;
}
