/** Following what changes in a workspace. */
import { useSubscription } from "urql";
import { ChangesDocument } from "@/generated/graphql";
import { useGathered } from "@/lib/live";

/** Calls ``act``, at most four times a second, whenever one of the kinds of things changes: "flow_run", "agent". */
export function useChanges(workspaceId: string | undefined, kinds: readonly string[], act: () => void): void {
  const gathered = useGathered(act);
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
