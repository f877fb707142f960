/** What waits for somebody: answers, new failures, runs that are late, pools that nobody serves. */
import type { NowQuery } from "@/generated/graphql";
import { Crumb } from "@/ui/Crumb";
import { MarkdownLine } from "@/ui/Markdown";
import { StateLabel } from "@/ui/StateLabel";
import { Time } from "@/ui/Time";

type Workspace = NonNullable<NowQuery["workspace"]>;

const LATE_BECAUSE = { CONTROL_PLANE: "Headgate was late to hand it out", NO_AGENT: "no agent was there", LIMIT: "a limit keeps it back", PAUSED: "it is held back by a pause" } as const;

export function Needs({ workspace }: { workspace: Workspace }) {
  const unserved = workspace.workPools.nodes.filter(({ status, backlog }) => status === "NOT_READY" && backlog.ready > 0);
  const isNothing = workspace.pauses.nodes.length + workspace.failureGroups.nodes.length + workspace.late.nodes.length + unserved.length === 0;
  return (
    <section className="now-part">
      <h2>Needs you</h2>
      {isNothing && <p className="now-nothing">Nothing needs you.</p>}
      <table className="table" aria-label="Needs you">
        <tbody>
          {workspace.pauses.nodes.map((pause) => (
            <tr key={`${pause.runId} ${pause.key}`}>
              <td className="now-state"><StateLabel type="PAUSED" name="Asks" /></td>
              <td><Crumb to="/approvals" search={{ run: pause.runId }}>{pause.run?.name ?? pause.runId}</Crumb> <span className="faint">{pause.description ? <MarkdownLine text={pause.description} /> : pause.key}</span></td>
              <td className="is-number"><Time at={pause.createdAt} isRelative /></td>
            </tr>
          ))}
          {unserved.map((pool) => (
            <tr key={pool.id}>
              <td className="now-state"><StateLabel type="FAILED" name="No agent" /></td>
              <td><Crumb to={`/pools/${encodeURIComponent(pool.name)}`}>{pool.name}</Crumb> <span className="faint">{`${pool.backlog.ready.toLocaleString("en")} ${pool.backlog.ready === 1 ? "run waits" : "runs wait"} for it`}</span></td>
              <td />
            </tr>
          ))}
          {workspace.late.nodes.map((run) => (
            <tr key={run.id}>
              <td className="now-state"><StateLabel type={run.state.type} name={run.state.name} /></td>
              <td><Crumb to={`/runs/${run.id}`}>{run.name}</Crumb> <span className="faint">{run.lateCause ? LATE_BECAUSE[run.lateCause] : run.state.message}</span></td>
              <td className="is-number"><Time at={run.expectedStart} isRelative /></td>
            </tr>
          ))}
          {workspace.failureGroups.nodes.map((group) => (
            <tr key={group.id}>
              <td className="now-state"><StateLabel type={group.status === "REGRESSED" ? "CRASHED" : "FAILED"} name={group.status === "REGRESSED" ? "Came back" : "Fails"} /></td>
              <td><Crumb to={`/failures/${group.id}`}>{group.exceptionType}</Crumb> <span className="faint">{`${group.flow.name} · ${group.runCount} ${group.runCount === 1 ? "run" : "runs"} · ${group.message}`}</span></td>
              <td className="is-number"><Time at={group.lastSeenAt} isRelative /></td>
            </tr>
          ))}
        </tbody>
      </table>
      {workspace.late.totalCount.value > workspace.late.nodes.length && (
        <p className="now-nothing"><Crumb to="/runs" search={{ q: "state:late" }}>{`All ${workspace.late.totalCount.value.toLocaleString("en")} that are late`}</Crumb></p>
      )}
    </section>
  );
}
