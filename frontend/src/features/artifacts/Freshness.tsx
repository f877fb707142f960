/** Whether an asset was materialized lately enough. */
import { StateLabel } from "@/ui/StateLabel";

export function Freshness({ fresh }: { fresh: boolean | null | undefined }) {
  if (fresh === null || fresh === undefined) return <span className="faint">–</span>;
  return fresh ? <StateLabel type="COMPLETED" name="Fresh" /> : <StateLabel type="SCHEDULED" name="Late" />;
}
