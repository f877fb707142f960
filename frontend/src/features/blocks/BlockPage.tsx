/** One block: what it is filled in with, which secrets are set, who uses it. */
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useQuery } from "urql";
import { BlockForm } from "@/features/blocks/BlockForm";
import { BlockDocument as BlockQueryDocument, BlockDocumentDeleteDocument, type BlockQuery, type BlockTypeRowFragment } from "@/generated/graphql";
import { useChanges } from "@/lib/changes";
import { useHeld } from "@/lib/edited";
import { type Place, usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useAct } from "@/ui/act";
import { Changed } from "@/ui/Changed";
import { ConfirmButton } from "@/ui/Confirm";
import { Command } from "@/ui/Copy";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { Time } from "@/ui/Time";
import { tell } from "@/ui/toasts";

type Shown = NonNullable<NonNullable<BlockQuery["workspace"]>["blockDocument"]>;

export function BlockPage() {
  const place = usePlace();
  const { type: slug = "", block: name = "" } = useParams({ strict: false });
  const [{ data, error }, read] = useQuery({ query: BlockQueryDocument, variables: { ...place, reference: `${slug}/${name}`, type: slug } });
  const again = (): void => read({ requestPolicy: "network-only" });
  const workspace = data?.workspace;
  useChanges(workspace?.id, ["block_document", "deployment"], again);
  useTitle(name, "Blocks", place.workspace);
  const block = workspace?.blockDocument;
  if (error && !block) return <ErrorState error={error} onRetry={again} />;
  if (!data) return <Skeleton rows={8} />;
  if (!workspace?.blockType || !block) return <EmptyState title="There is no such block, or you may not see it." />;
  return (
    <>
      <PageHead
        crumbs={<Link to="/$organization/$workspace/blocks" params={{ ...place }}>Blocks</Link>}
        title={<bdi>{block.name}</bdi>}
        note={<span className="tag"><bdi>{block.type.name}</bdi></span>}
        actions={<Delete block={block} place={place} />}
      />
      {block.missing.length > 0 && <p className="notice m-0">Its type has changed since; fill in what it lacks: {block.missing.join(", ")}.</p>}
      <div className="panes">
        <Edit
          block={block}
          type={workspace.blockType}
          workspaceId={workspace.id}
          onSaved={() => {
            again();
            tell("Saved.");
          }}
        />
        <Facts block={block} place={place} />
      </div>
    </>
  );
}

interface EditProps {
  block: Shown;
  type: BlockTypeRowFragment;
  workspaceId: string;
  onSaved: () => void;
}

/** The form; while somebody writes in it, it stays as it is, whoever changes the block. */
function Edit({ block, type, workspaceId, onSaved }: EditProps) {
  const held = useHeld(block);
  return (
    <div className="grid content-start gap-3" onInput={held.hold} onChange={held.hold}>
      <Changed edited={held} onTake={held.release} />
      <BlockForm
        key={held.shown.version}
        workspaceId={workspaceId}
        type={type}
        block={{ name: block.name, version: held.expectedVersion, data: held.shown.data, secrets: block.secrets }}
        onSaved={() => {
          held.release();
          onSaved();
        }}
      />
    </div>
  );
}

function Delete({ block, place }: { block: Shown; place: Place }) {
  const remove = useAct(BlockDocumentDeleteDocument);
  const navigate = useNavigate();
  const isReferred = block.referredBy.length > 0;
  return (
    <ConfirmButton
      label="Delete"
      needs="BLOCKS_WRITE"
      lacks={isReferred ? "Other blocks refer to it; change or delete them first." : undefined}
      title={`Delete ${block.name}?`}
      verb="Delete it"
      typed={block.deployments.length > 0 ? block.name : undefined}
      onConfirm={async () => {
        if (!(await remove.act({ input: { id: block.id, expectedVersion: block.version } }))) return;
        tell(`${block.reference} is gone.`);
        void navigate({ to: "/$organization/$workspace/blocks", params: { ...place } });
      }}
    >
      {block.deployments.length > 0 ? `Runs of ${block.deployments.length} deployments read it and will fail. ` : ""}
      Its secrets go with it and cannot be brought back.
    </ConfirmButton>
  );
}

function Facts({ block, place }: { block: Shown; place: Place }) {
  return (
    <aside>
      <section className="grid gap-2">
        <h2>Block</h2>
        <dl className="facts">
          <dt>Version</dt>
          <dd className="num">{block.version}</dd>
          <dt>Changed</dt>
          <dd><Time at={block.updatedAt} /></dd>
          <dt>Fields of</dt>
          <dd className="num">version {block.schema.number} of its type</dd>
        </dl>
        <Command text={`Block.load(${JSON.stringify(block.reference)})`} />
      </section>
      <section className="grid gap-2" aria-label="Secrets">
        <h2>Secrets</h2>
        {block.secrets.length === 0 && <p className="faint m-0 text-[13px]">It has none.</p>}
        <dl className="facts">
          {block.secrets.map((secret) => (
            <div key={secret.path} className="contents">
              <dt className="mono">{secret.path}</dt>
              <dd>{secret.external ? "in a store of your own" : secret.isSet ? <>set <Time at={secret.updatedAt} /></> : "not set"}</dd>
            </div>
          ))}
        </dl>
      </section>
      <section className="grid gap-2" aria-label="Used by">
        <h2>Used by</h2>
        {block.referredBy.length + block.deployments.length === 0 && <p className="faint m-0 text-[13px]">No block refers to it, and no deployment names it.</p>}
        <ul className="m-0 grid list-none gap-1 p-0">
          {block.referredBy.map((other) => (
            <li key={other.id}><Link to="/$organization/$workspace/blocks/$type/$block" params={{ ...place, type: other.type.slug, block: other.name }}>{other.reference}</Link></li>
          ))}
          {block.deployments.map((deployment) => (
            <li key={deployment.id}><bdi>{`${deployment.flow.name}/${deployment.name}`}</bdi> <span className="faint">deployment</span></li>
          ))}
        </ul>
      </section>
    </aside>
  );
}
