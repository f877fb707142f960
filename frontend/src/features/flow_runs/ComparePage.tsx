/** Two runs beside each other: what is different in how they were made, how they went, and each of their tasks. */
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useQuery } from "urql";
import { RunComparedDocument, type RunComparedQuery, RunsLikeDocument } from "@/generated/graphql";
import { differences, pairs } from "@/features/flow_runs/compare";
import { usePlace } from "@/lib/place";
import { localZone, parseDuration, showDuration, showTime } from "@/lib/time";
import { useTitle } from "@/lib/title";
import { Crumb } from "@/ui/Crumb";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { StateLabel } from "@/ui/StateLabel";
import { Duration, Time } from "@/ui/Time";

type Compared = NonNullable<RunComparedQuery["flowRun"]>;

export function ComparePage() {
  const { run: id = "" } = useParams({ strict: false });
  const { with: otherId } = useSearch({ from: "/$organization/$workspace/runs/$run/compare" });
  const [one, readOne] = useQuery({ query: RunComparedDocument, variables: { id } });
  const [other] = useQuery({ query: RunComparedDocument, variables: { id: otherId ?? "" }, pause: otherId === undefined });
  const run = one.data?.flowRun;
  useTitle("Compare", run?.name);
  if (one.error && !run) return <ErrorState error={one.error} onRetry={() => readOne({ requestPolicy: "network-only" })} />;
  if (!one.data) return <Skeleton rows={8} />;
  if (!run) return <EmptyState title="There is no such run, or you may not see it." />;
  const second = otherId === undefined ? undefined : other.data?.flowRun;
  return (
    <>
      <PageHead crumbs={<><Crumb to="/runs">Runs</Crumb><span aria-hidden="true">/</span><Crumb to={`/runs/${run.id}`}>{run.name}</Crumb></>} title="Compare" />
      <Chooser run={run} chosen={otherId} />
      {second && <Comparison one={run} other={second} />}
      {!second && other.fetching && <Skeleton rows={8} />}
      {!second && !other.fetching && <EmptyState title={otherId === undefined ? "Choose a run of the same flow to compare with." : "There is no such run to compare with."} />}
    </>
  );
}

function Chooser({ run, chosen }: { run: Compared; chosen: string | undefined }) {
  const { organization, workspace } = usePlace();
  const navigate = useNavigate({ from: "/$organization/$workspace/runs/$run/compare" });
  const [{ data }] = useQuery({ query: RunsLikeDocument, variables: { organization, workspace, flow: run.flow.id } });
  const others = data?.workspace?.flowRuns.nodes.filter(({ id }) => id !== run.id) ?? [];
  return (
    <div className="toolbar">
      <label className="flex items-center gap-2 text-[13px]">
        With
        <select className="input" value={chosen ?? ""} onChange={(event) => void navigate({ search: event.target.value ? { with: event.target.value } : {}, replace: true })}>
          <option value="">Choose…</option>
          {others.map((each) => <option key={each.id} value={each.id}>{labelOf(each)}</option>)}
        </select>
      </label>
    </div>
  );
}

function labelOf({ name, state, startedAt }: { name: string; state: { name: string }; startedAt: string | null }): string {
  return [name, state.name, ...(startedAt ? [showTime(new Date(startedAt), new Date(), localZone())] : [])].join(" · ");
}

function Comparison({ one, other }: { one: Compared; other: Compared }) {
  const made = (run: Compared): unknown => ({
    parameters: run.parameters,
    version: run.deploymentVersion?.label ?? run.deploymentVersion?.number,
    deployment: run.deployment?.name,
    "work pool": run.workPool?.name,
    queue: run.workQueue?.name,
    "job variables": run.jobVariables,
    attempt: run.attempt,
    tags: run.tags,
    says: run.state.message,
  });
  const found = differences(made(one), made(other));
  return (
    <div className="overflow-x-auto">
      <table className="table diff" aria-label="What is different">
        <thead>
          <tr>
            <th scope="col">{`${found.length} ${found.length === 1 ? "difference" : "differences"}`}</th>
            {[one, other].map((run) => <th key={run.id} scope="col"><Crumb to={`/runs/${run.id}`}>{run.name}</Crumb></th>)}
          </tr>
        </thead>
        <tbody>
          <tr><td>state</td>{[one, other].map((run) => <td key={run.id}><StateLabel type={run.state.type} name={run.state.name} /></td>)}</tr>
          <tr><td>started</td>{[one, other].map((run) => <td key={run.id}><Time at={run.startedAt} /></td>)}</tr>
          <tr><td>took</td>{[one, other].map((run) => <td key={run.id}><Duration length={run.duration} startedAt={run.startedAt} endedAt={run.endedAt} /></td>)}</tr>
          {found.map((each) => (
            <tr key={each.name}>
              <td className="mono">{each.name}</td>
              <td><del>{shown(each.one)}</del></td>
              <td><ins>{shown(each.other)}</ins></td>
            </tr>
          ))}
        </tbody>
      </table>
      <h2 className="px-(--pad) pt-4 pb-2">Tasks</h2>
      <table className="table" aria-label="Tasks of both">
        <thead>
          <tr><th scope="col">Task</th><th scope="col">{one.name}</th><th scope="col">{other.name}</th><th scope="col" className="is-number">Longer by</th></tr>
        </thead>
        <tbody>
          {pairs(one.taskRuns.nodes, other.taskRuns.nodes).map((pair) => (
            <tr key={pair.name}>
              <td>{pair.name}</td>
              <td>{pair.one ? <StateLabel type={pair.one.state.type} name={pair.one.state.name} /> : <span className="faint">not there</span>}</td>
              <td>{pair.other ? <StateLabel type={pair.other.state.type} name={pair.other.state.name} /> : <span className="faint">not there</span>}</td>
              <td className="is-number num">{longer(pair.one?.duration, pair.other?.duration)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function longer(one: string | null | undefined, other: string | null | undefined): string {
  if (!one || !other) return "–";
  return showDuration(parseDuration(other) - parseDuration(one));
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
