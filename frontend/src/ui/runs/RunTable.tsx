/** Rows of runs: state, name, where from, when, how long. */
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import type { RunRowFragment } from "@/generated/graphql";
import { usePlace } from "@/lib/place";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable, type DataTableProps } from "@/ui/DataTable";
import { StateLabel } from "@/ui/StateLabel";
import { isToCome } from "@/ui/states";
import { Duration, Time } from "@/ui/Time";

export type RunTableProps = { runs: readonly RunRowFragment[]; without?: readonly string[] } & Pick<
  DataTableProps<RunRowFragment>,
  "name" | "of" | "chosen" | "onChoose" | "peeked" | "onPeek" | "hasMore" | "onMore" | "order"
>;

const COLUMNS: readonly Column<RunRowFragment>[] = [
  { id: "state", title: "State", width: 150, cell: (run) => <StateLabel type={run.state.type} name={run.state.name} /> },
  { id: "name", title: "Run", order: "NAME", cell: (run) => <Crumb to={`/runs/${run.id}`}>{run.name}</Crumb> },
  { id: "flow", title: "Flow", isBeside: true, cell: (run) => <Crumb className="quiet" to={`/flows/${encodeURIComponent(run.flow.name)}`}>{run.flow.name}</Crumb> },
  {
    id: "deployment",
    title: "Deployment",
    from: "md",
    cell: (run) =>
      run.deployment ? <Crumb className="quiet" to={`/deployments/${run.deployment.id}`}>{run.deployment.name}</Crumb> : <span className="faint">–</span>,
  },
  { id: "reason", title: "Says", from: "lg", cell: (run) => <span className="faint" title={run.state.message ?? undefined}>{run.state.message}</span> },
  { id: "start", title: "Start", width: 140, order: "EXPECTED_START", cell: (run) => <Time at={isToCome(run.state.type) ? run.expectedStart : (run.startedAt ?? run.expectedStart)} /> },
  { id: "ended", title: "End", width: 140, isOptional: true, order: "ENDED_AT", cell: (run) => <Time at={run.endedAt} /> },
  { id: "duration", title: "Duration", width: 100, isNumber: true, cell: (run) => <Duration length={run.duration} startedAt={isToCome(run.state.type) ? null : run.startedAt} endedAt={run.endedAt} /> },
  { id: "tags", title: "Tags", width: 140, isOptional: true, cell: (run) => run.tags.map((tag) => <span className="tag mr-1" key={tag}>{tag}</span>) },
  { id: "id", title: "Id", width: 260, isOptional: true, cell: (run) => <span className="mono">{run.id}</span> },
];

const ALL: readonly string[] = [];

/** ``without`` leaves out columns that say the same in every row. */
export function RunTable({ runs, without = ALL, ...rest }: RunTableProps) {
  const place = usePlace();
  const navigate = useNavigate();
  const names = without.join(" ");
  const columns = useMemo(() => COLUMNS.filter(({ id }) => !names.split(" ").includes(id)), [names]);
  return (
    <DataTable
      {...rest}
      label="Runs"
      columns={columns}
      rows={runs}
      keyOf={(run) => run.id}
      onOpen={(run) => void navigate({ to: "/$organization/$workspace/runs/$run", params: { ...place, run: run.id } })}
    />
  );
}
