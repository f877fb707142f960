/** Filling in a new block of a type. */
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useQuery } from "urql";
import { BlockForm } from "@/features/blocks/BlockForm";
import { NewBlockDocument } from "@/generated/graphql";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { MarkdownLine } from "@/ui/Markdown";
import { PageHead } from "@/ui/PageHead";

export function NewBlockPage() {
  const place = usePlace();
  const { type: slug = "" } = useParams({ strict: false });
  const navigate = useNavigate();
  const [{ data, error }, read] = useQuery({ query: NewBlockDocument, variables: { ...place, type: slug } });
  const workspace = data?.workspace;
  const type = workspace?.blockType;
  useTitle(type ? `New ${type.name}` : "New block", place.workspace);
  if (error && !data?.workspace?.blockType) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton rows={6} />;
  if (!workspace || !type) return <EmptyState title="There is no such type of blocks." />;
  return (
    <>
      <PageHead crumbs={<Link to="/$organization/$workspace/blocks/new" params={{ ...place }}>New block</Link>} title={<bdi>{type.name}</bdi>} />
      {type.description && <p className="faint m-0 px-5 pt-5"><MarkdownLine text={type.description} /></p>}
      <BlockForm
        workspaceId={workspace.id}
        type={type}
        block={undefined}
        onSaved={(name) => void navigate({ to: "/$organization/$workspace/blocks/$type/$block", params: { ...place, type: slug, block: name } })}
      />
    </>
  );
}
