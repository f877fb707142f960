/** The line that the address names: one of the rows, or one that they do not reach any more. */
import { useQuery } from "urql";
import { WorkspaceLogsDocument } from "@/generated/graphql";
import { Around } from "@/features/logs/Around";
import { filterOfLine, keyOf } from "@/features/logs/asked";
import type { Match } from "@/features/logs/LogsPage";
import { usePlace } from "@/lib/place";
import { Crumb } from "@/ui/Crumb";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { Peek } from "@/ui/Peek";

export function LookedAt({ line, rows, onClose }: { line: string; rows: readonly Match[]; onClose: () => void }) {
  const { organization, workspace } = usePlace();
  const filter = filterOfLine(line);
  const row = rows.find((each) => keyOf(each) === line);
  const [{ data, error, fetching }, read] = useQuery({ query: WorkspaceLogsDocument, variables: { organization, workspace, filter }, pause: row !== undefined || filter === undefined });
  const match = row ?? data?.workspace?.logs.nodes.find((each) => keyOf(each) === line);
  const run = match?.flowRun;
  const title = match ? (run?.name ?? "Deleted run") : "Line";
  return (
    <Peek title={title} onClose={onClose} actions={run && <Crumb className="button" to={`/runs/${run.id}`}>Open</Crumb>}>
      {match && <Around key={line} match={match} />}
      {!match && fetching && <Skeleton rows={6} />}
      {!match && error && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
      {!match && !fetching && !error && <p className="faint">This line was not found. It may be kept no longer.</p>}
    </Peek>
  );
}
