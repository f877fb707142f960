/** What a run was made with, and where it belongs. */
import type { RunShown } from "@/features/flow_runs/RunPage";
import { Id } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { Fact } from "@/ui/Fact";
import { Time } from "@/ui/Time";

export function RunFacts({ run }: { run: RunShown }) {
  const pool = run.workPool && encodeURIComponent(run.workPool.name);
  return (
    <dl className="facts">
      <Fact name="Id"><Id id={run.id} /></Fact>
      <Fact name="Flow"><Crumb to={`/flows/${encodeURIComponent(run.flow.name)}`}>{run.flow.name}</Crumb></Fact>
      {run.deployment && <Fact name="Deployment"><Crumb to={`/deployments/${run.deployment.id}`}>{run.deployment.name}</Crumb></Fact>}
      {run.deploymentVersion && <Fact name="Version">{run.deploymentVersion.label ?? `number ${run.deploymentVersion.number}`}</Fact>}
      {run.workPool && (
        <Fact name="Work pool">
          <Crumb to={`/pools/${pool}`}>{run.workPool.name}</Crumb>
          {run.workQueue && ` / ${run.workQueue.name}`}
        </Fact>
      )}
      <Fact name="Expected"><Time at={run.expectedStart} /></Fact>
      <Fact name="Started"><Time at={run.startedAt} /></Fact>
      <Fact name="Ended"><Time at={run.endedAt} /></Fact>
      <Fact name="Attempt"><span className="num">{run.attempt}</span></Fact>
      {run.priority !== 0 && <Fact name="Priority"><span className="num">{run.priority}</span></Fact>}
      {run.createdBy && <Fact name="Made by">{run.createdBy.displayName}</Fact>}
      {run.parentTaskRun && <Fact name="Part of"><Crumb to={`/runs/${run.parentTaskRun.flowRun.id}`}>{run.parentTaskRun.flowRun.name}</Crumb></Fact>}
      {run.idempotencyKey && <Fact name="Key"><span className="mono break-all">{run.idempotencyKey}</span></Fact>}
      {run.tags.length > 0 && <Fact name="Tags">{run.tags.map((tag) => <span key={tag} className="tag mr-1">{tag}</span>)}</Fact>}
    </dl>
  );
}
