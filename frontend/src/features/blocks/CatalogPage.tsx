/** The types of blocks that were registered: where a new one begins. */
import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { BlockCatalogDocument } from "@/generated/graphql";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { Command } from "@/ui/Copy";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";

export function CatalogPage() {
  const place = usePlace();
  useTitle("New block", place.workspace);
  const [{ data, error }, read] = useQuery({ query: BlockCatalogDocument, variables: { ...place } });
  const types = data?.workspace?.blockTypes.nodes;
  return (
    <>
      <PageHead crumbs={<Link to="/$organization/$workspace/blocks" params={{ ...place }}>Blocks</Link>} title="New block" />
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
            <li key={type.id}>
              <Link className="catalog-entry" to="/$organization/$workspace/blocks/new/$type" params={{ ...place, type: type.slug }}>
                <strong><bdi>{type.name}</bdi></strong>
                <code className="faint">{type.slug}</code>
                <span className="faint">{type.description ?? ""}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
