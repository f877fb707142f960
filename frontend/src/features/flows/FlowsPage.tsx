/** All flows of a workspace: how they went of late, and when they run next. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { FlowsDocument, type FlowsQuery } from "@/generated/graphql";
import { percentileOf, successOf } from "@/features/flows/figures";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { showDuration } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Barcode } from "@/ui/Barcode";
import { Command } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { SearchField } from "@/ui/SearchField";
import { StateLabel } from "@/ui/StateLabel";
import { Time } from "@/ui/Time";

type Row = NonNullable<FlowsQuery["workspace"]>["flows"]["nodes"][number];

function Percent({ value }: { value: number | undefined }) {
  return value === undefined ? <span className="faint">–</span> : `${Math.floor(value * 100)} %`;
}

const COLUMNS: readonly Column<Row>[] = [
  { id: "name", title: "Flow", cell: (row) => <Crumb to={`/flows/${encodeURIComponent(row.name)}`}>{row.name}</Crumb> },
  { id: "latest", title: "Latest runs", width: 110, cell: (row) => <Barcode bars={[...row.runs.nodes].reverse().map((run) => ({ ...run, duration: run.duration ?? null }))} label={`Latest runs of ${row.name}`} /> },
  {
    id: "last",
    title: "Last",
    width: 150,
    from: "md",
    cell: ({ runs: { nodes: [last] } }) => (last ? <Crumb className="quiet" to={`/runs/${last.id}`}><StateLabel type={last.state.type} name={last.state.name} /></Crumb> : <span className="faint">–</span>),
  },
  { id: "when", title: "Start", width: 130, from: "lg", cell: ({ runs: { nodes: [last] } }) => <Time at={last?.startedAt ?? last?.expectedStart} /> },
  { id: "success", title: "Success", width: 90, isNumber: true, from: "md", cell: (row) => <Percent value={successOf(row.runs.nodes)} /> },
  {
    id: "p95",
    title: "95 % within",
    width: 110,
    isNumber: true,
    from: "lg",
    cell: (row) => {
      const length = percentileOf(row.runs.nodes, 95);
      return length === undefined ? <span className="faint">–</span> : showDuration(length);
    },
  },
  { id: "deployments", title: "Deployments", width: 116, isNumber: true, from: "lg", cell: (row) => row.deployments.totalCount.value },
  { id: "tags", title: "Tags", width: 160, isOptional: true, cell: (row) => row.tags.map((tag) => <span key={tag} className="tag mr-1">{tag}</span>) },
];

export function FlowsPage() {
  const { organization, workspace } = usePlace();
  useTitle("Flows", workspace);
  const search = useSearch({ from: "/$organization/$workspace/flows" });
  const navigate = useNavigate({ from: "/$organization/$workspace/flows" });
  const filter = useMemo(() => (search.name ? { name: { contains: search.name } } : {}), [search.name]);
  const list = usePages("flows", FlowsDocument, { organization, workspace, filter }, (data) => data.workspace?.flows);
  useChanges(useWorkspaceId(), ["flow", "flow_run"], list.again, 3_000);
  const onName = (name: string): void => void navigate({ search: name ? { name } : {}, replace: true });
  const { rows } = list;
  return (
    <>
      <PageHead title="Flows" />
      <div className="toolbar" role="search">
        <SearchField label="Name of the flow" value={search.name ?? ""} onChange={onName} />
        {list.total && <span className="num faint ml-auto text-[13px]">{`${list.total.value.toLocaleString("en")} ${list.total.value === 1 ? "flow" : "flows"}`}</span>}
      </div>
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={10} />}
      {rows?.length === 0 && (search.name ? <NothingMatches what="flow" onClear={() => onName("")} /> : <EmptyState title="A flow appears here the first time it is called or deployed."><Command text="python my_flow.py" /></EmptyState>)}
      {rows && rows.length > 0 && (
        <DataTable
          name="flows"
          label="Flows"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.id}
          onOpen={(row) => void navigate({ to: "/$organization/$workspace/flows/$flow", params: { organization, workspace, flow: row.name }, search: {} })}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
    </>
  );
}
