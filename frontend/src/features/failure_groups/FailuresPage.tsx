/** What fails in a workspace, the same failures together. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { type FailureGroupStatus, type FailureRowFragment, FailuresDocument } from "@/generated/graphql";
import { FailureStatus, statusName } from "@/features/failure_groups/FailureStatus";
import { readFailuresSearch, STATUSES } from "@/features/failure_groups/search";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { SearchField } from "@/ui/SearchField";
import { Time } from "@/ui/Time";

const COLUMNS: readonly Column<FailureRowFragment>[] = [
  { id: "status", title: "State", width: 120, cell: (row) => <FailureStatus status={row.status} /> },
  {
    id: "title",
    title: "Failure",
    cell: (row) => <><Crumb to={`/failures/${row.id}`}>{row.exceptionType}</Crumb> <span className="faint" title={row.message}>{row.message}</span></>,
  },
  { id: "flow", title: "Flow", width: 180, isBeside: true, cell: (row) => <Crumb className="quiet" to={`/flows/${encodeURIComponent(row.flow.name)}`}>{row.flow.name}</Crumb> },
  { id: "runs", title: "Runs", width: 70, isNumber: true, cell: (row) => row.runCount.toLocaleString("en") },
  { id: "failures", title: "Failures", width: 90, isNumber: true, from: "lg", cell: (row) => row.failureCount.toLocaleString("en") },
  { id: "version", title: "First bad version", width: 140, from: "lg", cell: (row) => (row.firstVersion ? (row.firstVersion.label ?? `number ${row.firstVersion.number}`) : <span className="faint">–</span>) },
  { id: "first", title: "First", width: 110, from: "lg", cell: (row) => <Time at={row.firstSeenAt} isRelative /> },
  { id: "last", title: "Last", width: 110, from: "md", cell: (row) => <Time at={row.lastSeenAt} isRelative /> },
];

export function FailuresPage() {
  const { organization, workspace } = usePlace();
  useTitle("Failures", workspace);
  const { status, text } = useSearch({ from: "/$organization/$workspace/failures" });
  const navigate = useNavigate({ from: "/$organization/$workspace/failures" });
  const filter = useMemo(() => ({ statuses: status ?? ["OPEN", "REGRESSED"] satisfies FailureGroupStatus[], ...(text ? { text } : {}) }), [status, text]);
  const list = usePages("failures", FailuresDocument, { organization, workspace, filter }, (data) => data.workspace?.failureGroups);
  useChanges(useWorkspaceId(), ["failure_group", "flow_run"], list.again);
  const onSearch = (next: { status?: readonly FailureGroupStatus[]; text?: string }): void => void navigate({ search: (before) => readFailuresSearch({ ...before, ...next }), replace: true });
  const onStatus = (next: readonly FailureGroupStatus[]): void => onSearch({ status: next });
  const { rows } = list;
  return (
    <>
      <PageHead title="Failures" />
      <div className="toolbar" role="search">
        {STATUSES.map((each) => {
          const isOn = filter.statuses.includes(each);
          return (
            <button key={each} type="button" className="button" aria-pressed={isOn} onClick={() => onStatus(isOn ? filter.statuses.filter((other) => other !== each) : [...filter.statuses, each])}>
              {statusName(each)}
            </button>
          );
        })}
        <SearchField label="Words of the failure" placeholder="Words of it…   /" value={text ?? ""} onChange={(next) => onSearch({ text: next })} />
        {list.total && <span className="num faint ml-auto text-[13px]">{`${list.total.value.toLocaleString("en")} ${list.total.value === 1 ? "group" : "groups"}`}</span>}
      </div>
      {list.error && !rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!rows && !list.error && <Skeleton rows={8} />}
      {rows?.length === 0 && (status || text ? <NothingMatches what="failure" onClear={() => onSearch({ status: [], text: "" })} /> : <EmptyState title="Nothing fails. Failures of one kind come together here, with the runs that they hit." />)}
      {rows && rows.length > 0 && (
        <DataTable
          name="failures"
          label="Failures"
          columns={COLUMNS}
          rows={rows}
          keyOf={(row) => row.id}
          onOpen={(row) => void navigate({ to: "/$organization/$workspace/failures/$failure", params: { organization, workspace, failure: row.id }, search: {} })}
          hasMore={list.hasMore}
          onMore={list.more}
        />
      )}
    </>
  );
}
