/** A line of a log with those before and after it. */
import { useQuery } from "urql";
import { LinesAroundDocument } from "@/generated/graphql";
import type { Match } from "@/features/logs/LogsPage";
import { ErrorState } from "@/ui/Feedback";
import { levelOf } from "@/ui/levels";
import { Time } from "@/ui/Time";

export function Around({ match }: { match: Match }) {
  const [{ data, error }, read] = useQuery({ query: LinesAroundDocument, variables: { run: match.flowRunId, cursor: match.cursor } });
  const run = data?.flowRun;
  if (error && !run) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  const lines = [...(run?.before.nodes ?? []), match.line, ...(run?.after.nodes ?? [])];
  return (
    <>
      <p className="faint m-0 text-[13px]"><Time at={match.line.timestamp} /> · {match.line.logger}</p>
      <ol className="around" aria-label="Lines around it">
        {lines.map((line) => (
          <li key={line.sequence} data-level={levelOf(line.level).name} aria-current={line.sequence === match.line.sequence || undefined}>{line.message}</li>
        ))}
      </ol>
    </>
  );
}
