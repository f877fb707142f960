/** One flow: its latest runs at a glance, where it is deployed, how it fails, and all its runs. */
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useQuery } from "urql";
import { FlowDeleteDocument, FlowDocument, type FlowQuery, FlowRunsDocument } from "@/generated/graphql";
import { percentileOf, successOf } from "@/features/flows/figures";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { pieceOf, timeFilter } from "@/lib/search";
import { showDuration } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Barcode, MOST_BARS } from "@/ui/Barcode";
import { useHours } from "@/ui/clock";
import { ConfirmButton } from "@/ui/Confirm";
import { Crumb } from "@/ui/Crumb";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { PoolStatus } from "@/ui/PoolStatus";
import type { Piece } from "@/ui/rail";
import { DurationRibbon } from "@/ui/ribbon/DurationRibbon";
import { fortnightUntil } from "@/ui/ribbon/ribbon";
import { RunRail } from "@/ui/RunRail";
import { RunTable } from "@/ui/runs/RunTable";
import { ScheduleWords } from "@/ui/ScheduleWords";
import { StateLabel } from "@/ui/StateLabel";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

type FlowShown = NonNullable<NonNullable<FlowQuery["workspace"]>["flow"]>;
type Group = NonNullable<FlowQuery["workspace"]>["failureGroups"]["nodes"][number];

export function FlowPage() {
  const { organization, workspace } = usePlace();
  const { flow: name = "" } = useParams({ strict: false });
  const variables = { organization, workspace, name };
  const search = pieceOf(useSearch({ strict: false }));
  const navigate = useNavigate();
  const onPiece = (piece: Piece = {}): void => void navigate({ to: "/$organization/$workspace/flows/$flow", params: { organization, workspace, flow: name }, search: piece, replace: true });
  const occurred = timeFilter(search);
  const filter = occurred ? { expectedStart: occurred } : null;
  const now = useHours();
  const window = useMemo(() => fortnightUntil(now), [now]);
  const [{ data, error }, read] = useQuery({ query: FlowDocument, variables: { ...variables, ...window } });
  const list = usePages("flow runs", FlowRunsDocument, { ...variables, filter }, (found) => found.workspace?.flow?.runs);
  useChanges(useWorkspaceId(), ["flow_run", "deployment"], () => {
    read({ requestPolicy: "network-only" });
    list.again();
  });
  useTitle(name, "Flows");
  const flow = data?.workspace?.flow;
  if (error && !flow) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton rows={8} />;
  if (!flow) return <EmptyState title="There is no such flow, or you may not see it." />;
  const groups = data.workspace?.failureGroups.nodes.filter((group) => group.flow.id === flow.id) ?? [];
  return (
    <>
      <PageHead crumbs={<Crumb to="/flows">Flows</Crumb>} title={flow.name} actions={<DeleteFlow flow={flow} />} />
      <RunRail filter={{ flow: { id: { eq: flow.id } } }} search={search} onPiece={onPiece} label="Its runs over time" />
      <Figures flow={flow} />
      <DurationRibbon buckets={flow.durationTrend} />
      <div className="split">
        <DeploymentList flow={flow} />
        <Failing groups={groups} />
      </div>
      <h2 className="px-(--pad) pt-4 pb-2">Runs</h2>
      {list.rows?.length === 0 && (filter ? <NothingMatches what="run" onClear={onPiece} /> : <p className="faint m-0 px-(--pad) text-[13px]">It has not run yet.</p>)}
      {list.rows && list.rows.length > 0 && <RunTable name="flow_runs" of={list.of} runs={list.rows} without={["flow"]} hasMore={list.hasMore} onMore={list.more} />}
    </>
  );
}

function Figures({ flow }: { flow: FlowShown }) {
  const runs = flow.latest.nodes;
  const success = successOf(runs);
  const figures: [string, string][] = [
    ["Success", success === undefined ? "–" : `${Math.floor(success * 100)} %`],
    ["Half within", shown(percentileOf(runs, 50))],
    ["95 % within", shown(percentileOf(runs, 95))],
  ];
  return (
    <section className="figures" aria-label="Its latest runs">
      <div className="min-w-0 overflow-hidden">
        <span className="text-[12px]">
          {`The latest ${Math.min(runs.length, MOST_BARS)} runs`}
          {runs.length > MOST_BARS && <>; <Crumb to="/runs" search={{ q: `flow:"${flow.name}"` }}>all of them</Crumb></>}
        </span>
        <Barcode bars={[...runs].reverse().map((run) => ({ ...run, duration: run.duration ?? null }))} label="Latest runs" />
      </div>
      {figures.map(([title, value]) => (
        <div key={title}>
          <span className="text-[12px]">{title}</span>
          <b className="num">{value}</b>
        </div>
      ))}
    </section>
  );
}

function shown(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "–" : showDuration(milliseconds);
}

function DeploymentList({ flow }: { flow: FlowShown }) {
  return (
    <section className="min-w-0">
      <h2 className="px-(--pad) pt-4 pb-2">Deployments</h2>
      {flow.deployments.nodes.length === 0 && <p className="faint m-0 px-(--pad) text-[13px]">It is deployed nowhere.</p>}
      <table className="table" aria-label="Deployments">
        <tbody>
          {flow.deployments.nodes.map((deployment) => (
            <tr key={deployment.id}>
              <td><Crumb to={`/deployments/${deployment.id}`}>{deployment.name}</Crumb></td>
              <td>{deployment.paused ? <StateLabel type="PAUSED" name="Paused" /> : deployment.schedules.filter(({ active }) => active).map(({ description }, index) => <span key={description}>{index > 0 && "; "}<ScheduleWords description={description} /></span>)}</td>
              <td className="max-md:hidden">{deployment.workPool && <>{deployment.workPool.name} <PoolStatus status={deployment.workPool.status} isQuiet /></>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Failing({ groups }: { groups: readonly Group[] }) {
  return (
    <section className="min-w-0">
      <h2 className="px-(--pad) pt-4 pb-2">How it fails</h2>
      {groups.length === 0 && <p className="faint m-0 px-(--pad) text-[13px]">It does not, as far as is known.</p>}
      <table className="table" aria-label="Failures">
        <tbody>
          {groups.map((group) => (
            <tr key={group.id}>
              <td><Crumb to={`/failures/${group.id}`}>{group.exceptionType}</Crumb> <span className="faint">{group.message}</span></td>
              <td className="is-number num">{`${group.runCount} ${group.runCount === 1 ? "run" : "runs"}`}</td>
              <td className="is-number"><Time at={group.lastSeenAt} isRelative /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function DeleteFlow({ flow }: { flow: FlowShown }) {
  const place = usePlace();
  const navigate = useNavigate();
  const remove = useAct(FlowDeleteDocument);
  return (
    <ConfirmButton
      label="Delete…"
      title={`Delete ${flow.name}?`}
      verb="Delete the flow"
      typed={flow.name}
      needs="FLOWS_WRITE"
      onConfirm={async () => {
        if (!(await remove.act({ input: { id: flow.id } }))) return;
        tell(`${flow.name} is deleted.`);
        void navigate({ to: "/$organization/$workspace/flows", params: place, search: {} });
      }}
    >
      Its deployments, schedules and runs are gone with it, for good.
    </ConfirmButton>
  );
}
