/** The runs that tasks of a run have started. */
import { useQuery } from "urql";
import { RunChildrenDocument, type TaskRowFragment } from "@/generated/graphql";
import { RunTable } from "@/ui/runs/RunTable";
import { usePlace } from "@/lib/place";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";

const MOST_TASKS = 100;

export function Children({ tasks }: { tasks: readonly TaskRowFragment[] }) {
  const place = usePlace();
  const [{ data, error }, read] = useQuery({
    query: RunChildrenDocument,
    variables: { organization: place.organization, workspace: place.workspace, tasks: tasks.slice(0, MOST_TASKS).map(({ id }) => id) },
    pause: tasks.length === 0,
  });
  const runs = data?.workspace?.flowRuns.nodes;
  if (tasks.length === 0 || runs?.length === 0) return <EmptyState title="It has started no other runs." />;
  if (error && !runs) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!runs) return <Skeleton rows={4} />;
  return <RunTable name="children" runs={runs} />;
}
