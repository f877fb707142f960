/** One kind of failure: where it is raised, since when, in which runs, and what became of it. */
import { useParams } from "@tanstack/react-router";
import { useQuery } from "urql";
import { type FailureDetailFragment, FailureDocument, type FailureGroupStatus, FailureRetryDocument, FailureRunsDocument, FailureUpdateDocument } from "@/generated/graphql";
import { FailureStatus, statusName } from "@/features/failure_groups/FailureStatus";
import { toldOf } from "@/features/failure_groups/retries";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { ConfirmButton } from "@/ui/Confirm";
import { Crumb } from "@/ui/Crumb";
import { Fact } from "@/ui/Fact";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { Menu } from "@/ui/Menu";
import { PageHead } from "@/ui/PageHead";
import { RunTable } from "@/ui/runs/RunTable";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

const AT_ONCE = 100;

export function FailurePage() {
  const { failure: id = "" } = useParams({ strict: false });
  const [{ data, error }, read] = useQuery({ query: FailureDocument, variables: { id } });
  const list = usePages("failure runs", FailureRunsDocument, { id }, (found) => (found.node && "runs" in found.node ? found.node.runs : undefined));
  const again = (): void => {
    read({ requestPolicy: "network-only" });
    list.again();
  };
  useChanges(useWorkspaceId(), ["failure_group", "flow_run"], again);
  const group = data?.node?.__typename === "FailureGroup" ? data.node : undefined;
  useTitle(group?.exceptionType ?? "Failure");
  if (error && !group) return <ErrorState error={error} onRetry={again} />;
  if (!data) return <Skeleton rows={8} />;
  if (!group) return <EmptyState title="There is no such failure, or you may not see it." />;
  return (
    <>
      <PageHead crumbs={<Crumb to="/failures">Failures</Crumb>} title={group.exceptionType} note={<FailureStatus status={group.status} />} actions={<Actions group={group} onDone={again} />} />
      <div className="panes">
        <div className="pane">
          <p className="m-0 wrap-anywhere">{group.message}</p>
          <section className="grid gap-2">
            <h2>Where it is raised</h2>
            {group.frames.length === 0 ? <p className="faint m-0 text-[13px]">Not in the flow's own code.</p> : <Frames frames={group.frames} />}
          </section>
        </div>
        <aside>
          <Facts group={group} />
        </aside>
      </div>
      <h2 className="px-(--pad) pt-4 pb-2">Runs that it hit</h2>
      {list.rows?.length === 0 && <p className="faint m-0 px-(--pad) text-[13px]">None of them is kept any more.</p>}
      {list.rows && list.rows.length > 0 && <RunTable name="failure_runs" runs={list.rows} without={["flow"]} hasMore={list.hasMore} onMore={list.more} />}
    </>
  );
}

function Frames({ frames }: { frames: readonly string[] }) {
  return (
    <ol className="command m-0 list-none text-[13px]" tabIndex={0} aria-label="Frames, the innermost last">
      {frames.map((frame, index) => (
        // The same frame comes several times where a function calls itself.
        // oxlint-disable-next-line react/no-array-index-key
        <li key={index} className={index === frames.length - 1 ? "mono font-bold" : "mono"}>{frame}</li>
      ))}
    </ol>
  );
}

function versionOf(version: { number: number; label?: string | null } | null | undefined): string | undefined {
  return version ? (version.label ?? `number ${version.number}`) : undefined;
}

function Facts({ group }: { group: FailureDetailFragment }) {
  const [first, last] = [versionOf(group.firstVersion), versionOf(group.lastVersion)];
  return (
    <dl className="facts">
      <Fact name="Flow"><Crumb to={`/flows/${encodeURIComponent(group.flow.name)}`}>{group.flow.name}</Crumb></Fact>
      <Fact name="Runs"><span className="num">{group.runCount.toLocaleString("en")}</span></Fact>
      <Fact name="Failures"><span className="num">{group.failureCount.toLocaleString("en")}</span></Fact>
      <Fact name="First seen"><Time at={group.firstSeenAt} /></Fact>
      <Fact name="Last seen"><Time at={group.lastSeenAt} /></Fact>
      {first && <Fact name="First bad version">{first}</Fact>}
      {last && <Fact name="Last version">{last}</Fact>}
      {group.resolvedAt && <Fact name="Resolved"><Time at={group.resolvedAt} /></Fact>}
      {group.regressedAt && <Fact name="Came back"><Time at={group.regressedAt} />{group.regressionCount > 1 && ` (${group.regressionCount} times)`}</Fact>}
      {group.changedBy && <Fact name="Changed by">{group.changedBy.displayName}</Fact>}
    </dl>
  );
}

function Actions({ group, onDone }: { group: FailureDetailFragment; onDone: () => void }) {
  const update = useAct(FailureUpdateDocument);
  const retry = useAct(FailureRetryDocument);
  const set = async (status: FailureGroupStatus): Promise<void> => {
    const before = group.status === "REGRESSED" ? "OPEN" : group.status;
    if (!(await update.act({ input: { id: group.id, status } }))) return;
    tell(`It is ${statusName(status).toLowerCase()}.`, { undo: () => void update.act({ input: { id: group.id, status: before } }).then(onDone) });
    onDone();
  };
  const entries = (["OPEN", "MUTED", "RESOLVED"] as const)
    .filter((status) => status !== group.status)
    .map((status) => ({ label: { OPEN: "Open again", MUTED: "Mute", RESOLVED: "Resolve" }[status], needs: "RUNS_WRITE" as const, onSelect: () => void set(status) }));
  return (
    <>
      <ConfirmButton
        label="Retry its runs…"
        title={`Retry up to ${AT_ONCE} of its runs?`}
        verb="Retry them"
        isDanger={false}
        needs="RUNS_WRITE"
        onConfirm={async () => {
          const payload = await retry.act({ input: { id: group.id, first: AT_ONCE } });
          if (!payload) return;
          const refused = payload.results.filter(({ errors }) => errors.length > 0).length;
          tell(toldOf({ ...payload, started: payload.results.length - refused, notStarted: refused }), { isError: refused > 0 });
          onDone();
        }}
      >
        Those that have not been retried since they failed so, the oldest first, each under its own id.
      </ConfirmButton>
      <Menu label="Set…" entries={entries} />
    </>
  );
}
