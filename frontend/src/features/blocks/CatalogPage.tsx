/** The types of blocks that were registered: where a new one begins. */
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { TypeForm } from "@/features/blocks/TypeForm";
import { BlockCatalogDocument, type BlockTypeRowFragment } from "@/generated/graphql";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { Button } from "@/ui/Button";
import { Command } from "@/ui/Copy";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { MarkdownLine } from "@/ui/Markdown";
import { PageHead } from "@/ui/PageHead";

export function CatalogPage() {
  const place = usePlace();
  useTitle("New block", place.workspace);
  const [{ data, error }, read] = useQuery({ query: BlockCatalogDocument, variables: { ...place } });
  const [edited, setEdited] = useState<BlockTypeRowFragment | "new">();
  const types = data?.workspace?.blockTypes.nodes;
  return (
    <>
      <PageHead
        crumbs={<Link to="/$organization/$workspace/blocks" params={{ ...place }}>Blocks</Link>}
        title="New block"
        actions={<Button needs="BLOCKS_WRITE" onClick={() => setEdited("new")}>New type…</Button>}
      />
      {error && !types && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
      {!types && !error && <Skeleton rows={4} />}
      {types?.length === 0 && (
        <EmptyState title="No type is registered here yet. The types that come with Headgate are registered by one command.">
          <Command text="headgate blocks register --module headgate.blocks" />
        </EmptyState>
      )}
      {types && types.length > 0 && (
        <ul className="catalog">
          {types.map((type) => (
            <li key={type.id} className="catalog-item">
              <Link className="catalog-entry" to="/$organization/$workspace/blocks/new/$type" params={{ ...place, type: type.slug }}>
                <strong><bdi>{type.name}</bdi></strong>
                <code className="faint">{type.slug}</code>
                <span className="faint"><MarkdownLine text={type.description ?? ""} /></span>
              </Link>
              <Button className="is-small catalog-change" needs="BLOCKS_WRITE" aria-label={`Change the type ${type.name}`} onClick={() => setEdited(type)}>Change…</Button>
            </li>
          ))}
        </ul>
      )}
      {edited !== undefined && <TypeForm type={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} onDone={() => read({ requestPolicy: "network-only" })} />}
    </>
  );
}
