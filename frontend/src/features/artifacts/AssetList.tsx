/** Assets: what runs keep up, and whether it is fresh. */
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { type AssetRowFragment, AssetsDocument } from "@/generated/graphql";
import { Freshness } from "@/features/artifacts/Freshness";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useWorkspaceId } from "@/lib/workspace";
import { Crumb } from "@/ui/Crumb";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { Time } from "@/ui/Time";

const COLUMNS: readonly Column<AssetRowFragment>[] = [
  { id: "fresh", title: "State", width: 120, cell: (row) => <Freshness fresh={row.fresh} /> },
  { id: "key", title: "Asset", cell: (row) => <Crumb to={`/assets/${row.id}`}>{row.name ?? row.key}</Crumb> },
  { id: "address", title: "Key", from: "md", cell: (row) => <span className="mono faint">{row.key}</span> },
  { id: "made", title: "Materialized", width: 140, cell: (row) => <Time at={row.materializedAt} isRelative /> },
  { id: "owners", title: "Owners", width: 180, from: "lg", cell: (row) => row.owners.join(", ") },
];

export function AssetList({ word, onClear }: { word: string | undefined; onClear: () => void }) {
  const { organization, workspace } = usePlace();
  const navigate = useNavigate();
  const filter = useMemo(() => (word ? { key: { contains: word } } : {}), [word]);
  const list = usePages("assets", AssetsDocument, { organization, workspace, filter }, (data) => data.workspace?.assets);
  useChanges(useWorkspaceId(), ["asset"], list.again);
  const { rows } = list;
  if (list.error && !rows) return <ErrorState error={list.error} onRetry={list.again} />;
  if (!rows) return <Skeleton rows={8} />;
  if (rows.length === 0) return word ? <NothingMatches what="asset" onClear={onClear} /> : <EmptyState title="An asset is what tasks keep up: a table, a file, a model. None is known yet." />;
  return (
    <DataTable
      name="assets"
      label="Assets"
      columns={COLUMNS}
      rows={rows}
      keyOf={(row) => row.id}
      onOpen={(row) => void navigate({ to: "/$organization/$workspace/assets/$asset", params: { organization, workspace, asset: row.id }, search: {} })}
      hasMore={list.hasMore}
      onMore={list.more}
    />
  );
}
