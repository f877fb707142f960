/** How an agent stands. */
import type { AgentState } from "@/generated/graphql";
import { StateLabel } from "@/ui/StateLabel";

const LOOKS: Record<AgentState, { type: string; name: string }> = {
  ONLINE: { type: "COMPLETED", name: "Online" },
  PAUSED: { type: "PAUSED", name: "Paused" },
  DRAINING: { type: "CANCELLING", name: "Draining" },
  OFFLINE: { type: "CANCELLED", name: "Offline" },
  LOST: { type: "CRASHED", name: "Lost" },
};

export function AgentStateLabel({ state }: { state: AgentState }) {
  return <StateLabel {...LOOKS[state]} />;
}
