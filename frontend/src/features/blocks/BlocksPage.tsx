/** Blocks: configuration that runs read by name; what is secret in them is never shown. */
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { readBlockSearch, type BlockSearch } from "@/features/blocks/search";
import { BlocksDocument, type BlocksQuery } from "@/generated/graphql";
import { useChanges } from "@/lib/changes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { Button } from "@/ui/Button";
import { type Column, DataTable } from "@/ui/DataTable";
import { EmptyState, ErrorState, NothingMatches, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { SearchField } from "@/ui/SearchField";
import { Time } from "@/ui/Time";

type Row = NonNullable<BlocksQuery["workspace"]>["blockDocuments"]["nodes"][number];

export function BlocksPage() {
  const place = usePlace();
  useTitle("Blocks", place.workspace);
  const search = readBlockSearch(useSearch({ strict: false }));
  const navigate = useNavigate();
  const [workspaceId, setWorkspaceId] = useState<string>();
  const seek = (next: BlockSearch): void => void navigate({ to: "/$organization/$workspace/blocks", params: { ...place }, search: next, replace: true });
  const filter = search.name ? { name: { contains: search.name } } : null;
  const list = usePages("blocks", BlocksDocument, { ...place, filter, typeSlug: search.type ?? null }, (data) => {
    if (data.workspace) setWorkspaceId(data.workspace.id);
    return data.workspace?.blockDocuments;
  });
  useChanges(workspaceId, ["block_document", "block_type", "deployment"], list.again);
  const open = ({ type, name }: Row): void => void navigate({ to: "/$organization/$workspace/blocks/$type/$block", params: { ...place, type: type.slug, block: name } });
  const columns: readonly Column<Row>[] = [
    { id: "name", title: "Block", cell: (row) => <Link to="/$organization/$workspace/blocks/$type/$block" params={{ ...place, type: row.type.slug, block: row.name }}>{row.name}</Link> },
    { id: "type", title: "Type", cell: ({ type }) => <bdi>{type.name}</bdi> },
    { id: "secrets", title: "Secrets", cell: ({ secrets }) => standingOf(secrets), from: "md" },
    { id: "used", title: "Used by", cell: ({ referredBy, deployments }) => usedOf(referredBy.length, deployments.length), from: "md" },
    { id: "missing", title: "Lacks", cell: ({ missing }) => (missing.length > 0 ? <strong>{missing.join(", ")}</strong> : <span className="faint">nothing</span>), from: "lg" },
    { id: "updated", title: "Changed", cell: ({ updatedAt }) => <Time at={updatedAt} />, width: 170, from: "lg" },
  ];
  const isNarrowed = search.name !== undefined || search.type !== undefined;
  return (
    <>
      <PageHead
        title="Blocks"
        note={list.total && <span className="tag num">{list.total.value}</span>}
        actions={<Button isPrimary needs="BLOCKS_WRITE" onClick={() => void navigate({ to: "/$organization/$workspace/blocks/new", params: { ...place } })}>New block</Button>}
      />
      <div className="toolbar" role="search">
        <SearchField label="Name of the block" value={search.name ?? ""} onChange={(name) => seek({ ...(search.type ? { type: search.type } : {}), ...(name ? { name } : {}) })} />
        {search.type && <Button className="is-small" onClick={() => seek(search.name ? { name: search.name } : {})}>{search.type} ×</Button>}
      </div>
      {list.error && !list.rows && <ErrorState error={list.error} onRetry={list.again} />}
      {!list.rows && !list.error && <Skeleton rows={6} />}
      {list.rows?.length === 0 &&
        (isNarrowed ? (
          <NothingMatches what="block" onClear={() => seek({})} />
        ) : (
          <EmptyState title="A block is configuration with a name: a database, a bucket, a webhook. Runs read it; its secrets are write-only.">
            <Link className="button" to="/$organization/$workspace/blocks/new" params={{ ...place }}>Choose a type</Link>
          </EmptyState>
        ))}
      {list.rows && list.rows.length > 0 && (
        <DataTable name="blocks" label="Blocks" columns={columns} rows={list.rows} keyOf={({ id }) => id} onOpen={open} hasMore={list.hasMore} onMore={list.more} />
      )}
    </>
  );
}

function standingOf(secrets: Row["secrets"]): string {
  if (secrets.length === 0) return "none";
  return `${secrets.filter(({ isSet }) => isSet).length} of ${secrets.length} set`;
}

function usedOf(blocks: number, deployments: number): string {
  const parts = [
    blocks > 0 ? `${blocks} ${blocks === 1 ? "block" : "blocks"}` : "",
    deployments > 0 ? `${deployments} ${deployments === 1 ? "deployment" : "deployments"}` : "",
  ].filter(Boolean);
  return parts.join(", ") || "–";
}
