/** What a run left behind. */
import { useEffect } from "react";
import { RunArtifactsDocument } from "@/generated/graphql";
import { usePages } from "@/lib/pages";
import { ArtifactView } from "@/ui/ArtifactView";
import { Crumb } from "@/ui/Crumb";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { Time } from "@/ui/Time";

export function Artifacts({ runId, stateId }: { runId: string; stateId: string }) {
  const list = usePages("run artifacts", RunArtifactsDocument, { id: runId }, (data) => data.flowRun?.artifacts);
  const { again } = list;
  useEffect(() => again(), [again, stateId]);
  if (list.error && !list.rows) return <ErrorState error={list.error} onRetry={list.again} />;
  if (!list.rows) return <Skeleton rows={4} />;
  if (list.rows.length === 0) return <EmptyState title="It has left no artifact." />;
  return (
    <div className="pane">
      {list.rows.map((artifact) => (
        <article key={artifact.id} className="grid gap-2 min-w-0">
          <header className="flex flex-wrap items-baseline gap-3 text-[13px]">
            <Crumb to={`/artifacts/${artifact.id}`}>{artifact.key ?? artifact.type}</Crumb>
            <span className="faint">{artifact.type} · <Time at={artifact.createdAt} /></span>
          </header>
          <ArtifactView type={artifact.type} data={artifact.data} description={artifact.description} />
        </article>
      ))}
      {list.hasMore && <button type="button" className="button justify-self-start" onClick={list.more}>Show more</button>}
    </div>
  );
}
