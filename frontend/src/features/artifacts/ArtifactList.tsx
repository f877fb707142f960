/** Artifacts: of each key the latest, and those without a key. */
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { type ArtifactRowFragment, ArtifactsDocument } from "@/generated/graphql";
import { showSize } from "@/features/artifacts/sizes";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useWorkspaceId } from "@/lib/workspace";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { Time } from "@/ui/Time";

const COLUMNS: readonly Column<ArtifactRowFragment>[] = [
  { id: "key", title: "Artifact", cell: (row) => <Crumb to={`/artifacts/${row.id}`}>{row.key ?? <span className="faint">without a key</span>}</Crumb> },
  { id: "type", title: "Type", width: 110, cell: (row) => row.type },
  { id: "description", title: "Says", from: "lg", cell: (row) => <span className="faint">{row.description}</span> },
  { id: "run", title: "Run", from: "md", cell: (row) => (row.flowRun ? <Crumb className="quiet" to={`/runs/${row.flowRun.id}`}>{row.flowRun.name}</Crumb> : <span className="faint">–</span>) },
  { id: "size", title: "Size", width: 90, isNumber: true, from: "md", cell: (row) => showSize(row.sizeBytes) },
  { id: "made", title: "Made", width: 140, cell: (row) => <Time at={row.createdAt} /> },
];

export function ArtifactList({ word, type, onClear }: { word: string | undefined; type: string | undefined; onClear: () => void }) {
  const { organization, workspace } = usePlace();
  const navigate = useNavigate();
  const filter = useMemo(() => ({ latestPerKey: true, ...(word ? { key: { contains: word } } : {}), ...(type ? { type: { eq: type } } : {}) }), [word, type]);
  const list = usePages("artifacts", ArtifactsDocument, { organization, workspace, filter }, (data) => data.workspace?.artifacts);
  useChanges(useWorkspaceId(), ["artifact"], list.again);
  const { rows } = list;
  if (list.error && !rows) return <ErrorState error={list.error} onRetry={list.again} />;
  if (!rows) return <Skeleton rows={8} />;
  if (rows.length === 0) return word || type ? <NothingMatches what="artifact" onClear={onClear} /> : <EmptyState title="Runs leave tables, texts, links and results here. None has yet." />;
  return (
    <DataTable
      name="artifacts"
      label="Artifacts"
      columns={COLUMNS}
      rows={rows}
      keyOf={(row) => row.id}
      onOpen={(row) => void navigate({ to: "/$organization/$workspace/artifacts/$artifact", params: { organization, workspace, artifact: row.id }, search: {} })}
      hasMore={list.hasMore}
      onMore={list.more}
    />
  );
}
