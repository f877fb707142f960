/** Whether anybody serves a work pool. */
import { StateLabel } from "@/ui/StateLabel";

const LOOKS = {
  READY: { type: "COMPLETED", name: "Ready" },
  NOT_READY: { type: "FAILED", name: "No agent" },
  PAUSED: { type: "PAUSED", name: "Paused" },
} as const;

/** ``isQuiet`` says it only where there is something to say. */
export function PoolStatus({ status, isQuiet = false }: { status: keyof typeof LOOKS; isQuiet?: boolean }) {
  if (isQuiet && status === "READY") return null;
  return <StateLabel {...LOOKS[status]} />;
}
