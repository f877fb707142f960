/** Following what changes in a workspace. */
import { useSubscription } from "urql";
import { ChangesDocument } from "@/generated/graphql";
import { useGathered, useReturns } from "@/lib/live";

/** What reading a list again may cost a second has a limit: the server counts what is asked for. */
const PACE_MS = 1_500;

/**
 * Calls ``act`` soon after one of the kinds of things changes ("flow_run", "agent"), and not more often than ``paceMs``; and
 * once the socket is back: what changed while it was away is not told.
 */
export function useChanges(workspaceId: string | undefined, kinds: readonly string[], act: () => void, paceMs = PACE_MS): void {
  const gathered = useGathered(act, paceMs);
  useReturns(gathered);
  useSubscription(
    {
      query: ChangesDocument,
      variables: { workspaceId: workspaceId ?? "", filter: { resourceKinds: [...kinds] } },
      pause: workspaceId === undefined,
    },
    (_, update) => {
      if (update.workspaceEvents.events.length > 0 || update.workspaceEvents.gap) gathered();
      return update;
    },
  );
}

/** Calls ``act`` when something happens to a run that is over: it may start again. */
export function useEnded(workspaceId: string | undefined, runId: string, isOver: boolean, act: () => void): void {
  useSubscription(
    { query: ChangesDocument, variables: { workspaceId: workspaceId ?? "", filter: { resourceIds: [runId] } }, pause: !isOver || workspaceId === undefined },
    (_, update) => {
      if (update.workspaceEvents.events.length > 0 || update.workspaceEvents.gap) act();
      return update;
    },
  );
}
