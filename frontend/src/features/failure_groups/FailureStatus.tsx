/** How a group of failures stands. */
import type { FailureGroupStatus } from "@/generated/graphql";
import { StateLabel } from "@/ui/StateLabel";

const LOOKS: Record<FailureGroupStatus, { type: string; name: string }> = {
  OPEN: { type: "FAILED", name: "Open" },
  REGRESSED: { type: "CRASHED", name: "Came back" },
  MUTED: { type: "PAUSED", name: "Muted" },
  RESOLVED: { type: "COMPLETED", name: "Resolved" },
};

export function statusName(status: FailureGroupStatus): string {
  return LOOKS[status].name;
}

export function FailureStatus({ status }: { status: FailureGroupStatus }) {
  return <StateLabel {...LOOKS[status]} />;
}
