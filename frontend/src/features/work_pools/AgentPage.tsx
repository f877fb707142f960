/** One agent: how it stands, where it is, and the runs that it holds. */
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { AgentDocument, type AgentState } from "@/generated/graphql";
import { AgentStateLabel } from "@/features/work_pools/AgentStateLabel";
import { DrainAgent } from "@/features/work_pools/DrainAgent";
import { readableReason } from "@/features/work_pools/reasons";
import { Capacity } from "@/ui/Capacity";
import { useChanges } from "@/lib/changes";
import { useTitle } from "@/lib/title";
import { useWorkspaceId } from "@/lib/workspace";
import { Button } from "@/ui/Button";
import { Id } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { Fact } from "@/ui/Fact";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { JsonView } from "@/ui/JsonView";
import { PageHead } from "@/ui/PageHead";
import { RunTable } from "@/ui/runs/RunTable";
import { Time } from "@/ui/Time";

export function AgentPage() {
  const { agent: id = "" } = useParams({ strict: false });
  const [{ data, error }, read] = useQuery({ query: AgentDocument, variables: { id } });
  const again = (): void => read({ requestPolicy: "network-only" });
  useChanges(useWorkspaceId(), ["agent", "flow_run"], again);
  const [isAsked, setAsked] = useState(false);
  const agent = data?.node?.__typename === "Agent" ? data.node : undefined;
  useTitle(agent?.name ?? "Agent");
  if (error && !agent) return <ErrorState error={error} onRetry={again} />;
  if (!data) return <Skeleton rows={8} />;
  if (!agent) return <EmptyState title="There is no such agent, or you may not see it." />;
  return (
    <>
      <PageHead
        crumbs={<><Crumb to="/pools">Work pools</Crumb><span aria-hidden="true">/</span><Crumb to={`/pools/${encodeURIComponent(agent.pool.name)}`}>{agent.pool.name}</Crumb></>}
        title={agent.name}
        note={<AgentStateLabel state={agent.state} />}
        actions={<Button needs="POOLS_WRITE" lacks={lackOf(agent.state)} onClick={() => setAsked(true)}>Drain…</Button>}
      />
      <div className="pane">
        {agent.stateReason && <p className="m-0 wrap-anywhere">{readableReason(agent.stateReason, new Date())}</p>}
        <Capacity label={agent.name} taken={agent.inFlight} room={agent.capacity} waiting={0} />
        <dl className="facts">
          <Fact name="Id"><Id id={agent.id} /></Fact>
          <Fact name="Heard of"><Time at={agent.lastHeartbeatAt} /></Fact>
          <Fact name="Connected"><Time at={agent.connectedAt} /></Fact>
          <Fact name="Host">{agent.host ?? "–"}</Fact>
          <Fact name="Version">{agent.sdkVersion ?? "–"}</Fact>
          <Fact name="Runs"><span className="num">{`${agent.inFlight} of ${agent.capacity}`}</span></Fact>
          <Fact name="Queues">{agent.queues.length > 0 ? agent.queues.map(({ name }) => name).join(", ") : "all of the pool"}</Fact>
        </dl>
        <section className="grid gap-2">
          <h2>Labels</h2>
          <JsonView value={agent.labels} label="Labels" />
        </section>
      </div>
      <h2 className="px-(--pad) pb-2">Runs that it holds</h2>
      {agent.leases.length === 0 ? <p className="faint m-0 px-(--pad) text-[13px]">None.</p> : <RunTable name="agent_runs" runs={agent.leases} />}
      {isAsked && <DrainAgent agent={agent} onClose={() => setAsked(false)} onDone={again} />}
    </>
  );
}

/** Why an agent cannot be drained now. */
function lackOf(state: AgentState): string | undefined {
  if (state === "DRAINING") return "It drains already.";
  return state === "OFFLINE" || state === "LOST" ? "No process of it is there: it takes nothing." : undefined;
}
