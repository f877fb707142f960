/** How a deployment's runs are started, held apart and given up. */
import type { DeploymentDetailFragment } from "@/generated/graphql";
import { COLLISIONS } from "@/features/deployments/collisions";
import { DeploymentForm } from "@/features/deployments/DeploymentForm";
import { parseDuration, showDuration } from "@/lib/time";
import { Id } from "@/ui/Copy";
import { Fact } from "@/ui/Fact";
import { JsonView } from "@/ui/JsonView";
import { Time } from "@/ui/Time";

export function DeploymentSettings({ deployment, onChange }: { deployment: DeploymentDetailFragment; onChange: () => void }) {
  const length = (text: string): string => showDuration(parseDuration(text));
  const { concurrency } = deployment;
  return (
    <div className="pane">
      <dl className="facts">
        <Fact name="Id"><Id id={deployment.id} /></Fact>
        <Fact name="Entrypoint">{deployment.entrypoint ? <code>{deployment.entrypoint}</code> : <span className="faint">–</span>}</Fact>
        <Fact name="At once">{concurrency ? `${concurrency.limit}${concurrency.parameter ? ` for each ${concurrency.parameter}` : ""}; ${COLLISIONS[concurrency.onCollision]}` : "as many as there are"}</Fact>
        <Fact name="When an agent is lost">{deployment.onAgentLost === "RETRY" ? "the run is tried again" : "the run crashes"}</Fact>
        <Fact name="Infrastructure retries"><span className="num">{deployment.infrastructureRetries}</span></Fact>
        <Fact name="Late after"><span className="num">{length(deployment.lateThreshold)}</span></Fact>
        <Fact name="Given up after"><span className="num">{length(deployment.abandonAfter)}</span></Fact>
        <Fact name="Blocks">{deployment.blocks ? deployment.blocks.join(", ") || "none" : "every block of the workspace"}</Fact>
        <Fact name="May start">{deployment.starts ? deployment.starts.join(", ") || "none" : "every deployment of the workspace"}</Fact>
        <Fact name="Queue">{deployment.workQueue?.name ?? "the pool's own"}</Fact>
        <Fact name="Changed"><Time at={deployment.updatedAt} /></Fact>
        {deployment.tags.length > 0 && <Fact name="Tags">{deployment.tags.map((tag) => <span key={tag} className="tag mr-1">{tag}</span>)}</Fact>}
      </dl>
      <DeploymentForm key={deployment.id} current={deployment} onSaved={onChange} />
      {deployment.pullSteps !== null && deployment.pullSteps !== undefined && (
        <section className="grid gap-2">
          <h2>How an agent gets the code</h2>
          <JsonView value={deployment.pullSteps} label="Pull steps" />
        </section>
      )}
    </div>
  );
}
