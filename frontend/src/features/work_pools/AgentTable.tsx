/** The agents of a pool: which are there, how full they are, and when they were last heard of. */
import type { AgentRowFragment } from "@/generated/graphql";
import { AgentStateLabel } from "@/features/work_pools/AgentStateLabel";
import { Command } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/Feedback";
import { Time } from "@/ui/Time";

const COLUMNS: readonly Column<AgentRowFragment>[] = [
  { id: "state", title: "State", width: 120, cell: (agent) => <AgentStateLabel state={agent.state} /> },
  { id: "name", title: "Agent", cell: (agent) => <Crumb to={`/agents/${agent.id}`}>{agent.name}</Crumb> },
  { id: "host", title: "Host", from: "md", cell: (agent) => agent.host ?? <span className="faint">–</span> },
  { id: "held", title: "Runs", width: 80, isNumber: true, cell: (agent) => `${agent.inFlight} of ${agent.capacity}` },
  { id: "heard", title: "Heard of", width: 110, cell: (agent) => <Time at={agent.lastHeartbeatAt} isRelative /> },
  { id: "since", title: "Connected", width: 150, from: "lg", cell: (agent) => <Time at={agent.connectedAt} /> },
  { id: "version", title: "Version", width: 100, from: "lg", cell: (agent) => agent.sdkVersion ?? <span className="faint">–</span> },
];

export function AgentTable({ agents, poolName }: { agents: readonly AgentRowFragment[]; poolName: string }) {
  if (agents.length === 0) {
    return (
      <EmptyState title="No agent has ever served this pool.">
        <Command text={`headgate agent start --pool ${poolName}`} />
      </EmptyState>
    );
  }
  return <DataTable name="agents" label="Agents" columns={COLUMNS} rows={agents} keyOf={(agent) => agent.id} />;
}
