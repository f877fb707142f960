/** All deployments of a workspace: whether they run, when next, and how they went of late. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { DeploymentsDocument, type DeploymentsQuery } from "@/generated/graphql";
import { PauseToggle } from "@/features/deployments/PauseToggle";
import type { DeploymentsSearch } from "@/features/deployments/search";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Barcode } from "@/ui/Barcode";
import { Command } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { PoolStatus } from "@/ui/PoolStatus";
import { ScheduleWords } from "@/ui/ScheduleWords";
import { SearchField } from "@/ui/SearchField";
import { Time } from "@/ui/Time";

type Row = NonNullable<DeploymentsQuery["workspace"]>["deployments"]["nodes"][number];

/** The earliest of what its schedules fire next. */
export function nextOf({ schedules, paused }: Pick<Row, "paused"> & { schedules: readonly { active: boolean; nextAt?: string | null }[] }): string | undefined {
  if (paused) return undefined;
  return schedules.flatMap(({ active, nextAt }) => (active && nextAt ? [nextAt] : [])).sort()[0];
}

const COLUMNS: readonly Column<Row>[] = [
  { id: "name", title: "Deployment", cell: (row) => <Crumb to={`/deployments/${row.id}`}>{row.name}</Crumb> },
  { id: "flow", title: "Flow", isBeside: true, cell: (row) => <Crumb className="quiet" to={`/flows/${encodeURIComponent(row.flow.name)}`}>{row.flow.name}</Crumb> },
  { id: "paused", title: "Runs", width: 96, cell: (row) => <PauseToggle deployment={row} /> },
  {
    id: "schedule",
    title: "Schedule",
    from: "lg",
    cell: (row) => {
      const active = row.schedules.filter((schedule) => schedule.active);
      if (active.length === 0) return <span className="faint">none</span>;
      return active.map(({ id, description }, index) => <span key={id}>{index > 0 && "; "}<ScheduleWords description={description} /></span>);
    },
  },
  { id: "next", title: "Next", width: 130, from: "md", cell: (row) => <Time at={nextOf(row)} isRelative /> },
  { id: "latest", title: "Latest runs", width: 90, cell: (row) => <Barcode bars={[...row.runs.nodes].reverse().map((run) => ({ ...run, duration: run.duration ?? null }))} label={`Latest runs of ${row.name}`} /> },
  {
    id: "pool",
    title: "Work pool",
    from: "lg",
    cell: (row) => (row.workPool ? <><Crumb className="quiet" to={`/pools/${encodeURIComponent(row.workPool.name)}`}>{row.workPool.name}</Crumb> <PoolStatus status={row.workPool.status} isQuiet /></> : <span className="faint">none</span>),
  },
  { id: "version", title: "Version", width: 110, isOptional: true, cell: (row) => row.currentVersion?.label ?? row.currentVersion?.number },
  { id: "tags", title: "Tags", isOptional: true, cell: (row) => row.tags.map((tag) => <span key={tag} className="tag mr-1">{tag}</span>) },
];

export function DeploymentsPage() {
  const { organization, workspace } = usePlace();
  useTitle("Deployments", workspace);
  const search = useSearch({ from: "/$organization/$workspace/deployments" });
  const navigate = useNavigate({ from: "/$organization/$workspace/deployments" });
  const onSearch = (next: DeploymentsSearch): void => void navigate({ search: next, replace: true });
  const filter = useMemo(
    () => ({ ...(search.name ? { or: [{ name: { contains: search.name } }, { flow: { name: { contains: search.name } } }] } : {}), ...(search.paused === undefined ? {} : { paused: search.paused }) }),
    [search],
  );
  const list = usePages("deployments", DeploymentsDocument, { organization, workspace, filter }, (data) => data.workspace?.deployments);
  useChanges(useWorkspaceId(), ["deployment", "schedule", "flow_run"], list.again, 3_000);
  const { rows } = list;
  const isNarrowed = Object.keys(filter).length > 0;
  return (
    <>
      <PageHead title="Deployments" />
      <div className="toolbar" role="search">
        <SearchField label="Name of the deployment or its flow" value={search.name ?? ""} onChange={(name) => onSearch({ ...search, name })} />
        <button type="button" className="button" aria-pressed={search.paused === true} onClick={() => onSearch(toggled(search))}>Paused only</button>
        {list.total && <span className="num faint ml-auto text-[13px]">{`${list.total.value.toLocaleString("en")} ${list.total.value === 1 ? "deployment" : "deployments"}`}</span>}
      </div>
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={10} />}
      {rows?.length === 0 && (isNarrowed ? <NothingMatches what="deployment" onClear={() => onSearch({})} /> : <NoDeployments />)}
      {rows && rows.length > 0 && (
        <DataTable
          name="deployments"
          label="Deployments"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.id}
          onOpen={(row) => void navigate({ to: "/$organization/$workspace/deployments/$deployment", params: { organization, workspace, deployment: row.id }, search: {} })}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
    </>
  );
}

function toggled({ paused, ...rest }: DeploymentsSearch): DeploymentsSearch {
  return paused ? rest : { ...rest, paused: true };
}

function NoDeployments() {
  return (
    <EmptyState title="A deployment says where and when a flow runs. There is none yet.">
      <Command text="headgate deploy" />
    </EmptyState>
  );
}
