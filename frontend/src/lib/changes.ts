/** Following what changes in a workspace. */
import { useSubscription } from "urql";
import { ChangesDocument } from "@/generated/graphql";
import { useGathered } from "@/lib/live";

/** What reading a list again may cost a second has a limit: the server counts what is asked for. */
const PACE_MS = 1_500;

/** Calls ``act`` soon after one of the kinds of things changes ("flow_run", "agent"), and not more often than ``paceMs``. */
export function useChanges(workspaceId: string | undefined, kinds: readonly string[], act: () => void, paceMs = PACE_MS): void {
  const gathered = useGathered(act, paceMs);
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
