/** What a run was given, and where it belongs. */
import type { RunQuery } from "@/generated/graphql";
import { Time } from "@/ui/Time";

type RunShown = NonNullable<RunQuery["flowRun"]>;

export function RunFacts({ run }: { run: RunShown }) {
  return (
    <section className="grid gap-2">
      <h2>Run</h2>
      <dl className="facts">
        <dt>Id</dt>
        <dd className="mono">{run.id}</dd>
        {run.deployment && (
          <>
            <dt>Deployment</dt>
            <dd>{run.deployment.name}</dd>
          </>
        )}
        {run.workPool && (
          <>
            <dt>Work pool</dt>
            <dd>{run.workQueue ? `${run.workPool.name} / ${run.workQueue.name}` : run.workPool.name}</dd>
          </>
        )}
        <dt>Expected</dt>
        <dd>
          <Time at={run.expectedStart} />
        </dd>
        <dt>Attempt</dt>
        <dd className="num">{run.attempt}</dd>
        {run.createdBy && (
          <>
            <dt>Made by</dt>
            <dd>{run.createdBy.displayName}</dd>
          </>
        )}
      </dl>
      <h2>Parameters</h2>
      <pre className="command m-0 text-[13px]">{JSON.stringify(run.parameters, null, 2)}</pre>
    </section>
  );
}
