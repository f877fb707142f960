/** The states of a run, the newest first, each with who and why, and the decision that made it. */
import { useQuery } from "urql";
import { RunStatesDocument } from "@/generated/graphql";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { JsonView } from "@/ui/JsonView";
import { StateLabel } from "@/ui/StateLabel";
import { Time } from "@/ui/Time";
import { useEffect } from "react";

/** Read again whenever the run's state is another. */
export function StateHistory({ runId, stateId }: { runId: string; stateId: string }) {
  const [{ data, error }, read] = useQuery({ query: RunStatesDocument, variables: { id: runId } });
  useEffect(() => read({ requestPolicy: "network-only" }), [read, stateId]);
  const states = data?.flowRun?.stateHistory.nodes;
  if (error && !states) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!states) return <Skeleton rows={4} />;
  return (
    <ol className="states" aria-label="States">
      {[...states].sort((one, other) => other.sequence - one.sequence).map((state) => (
        <li key={state.id}>
          <span className="states-at"><Time at={state.timestamp} /></span>
          <span><StateLabel type={state.type} name={state.name} /></span>
          <span className="min-w-0 wrap-anywhere">
            {state.message}
            {state.actor && <span className="faint">{state.message ? " · " : ""}by {state.actor.displayName}</span>}
            {state.decision !== null && state.decision !== undefined && (
              <details className="mt-1">
                <summary className="faint cursor-pointer">How it was decided</summary>
                <JsonView value={state.decision} label="The decision" />
              </details>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}
