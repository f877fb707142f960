/** One artifact, and those of its key before it. */
import { useNavigate, useParams } from "@tanstack/react-router";
import { useQuery } from "urql";
import { ArtifactDeleteDocument, ArtifactDocument, ArtifactsDocument } from "@/generated/graphql";
import { showSize } from "@/features/artifacts/sizes";
import { usePages } from "@/lib/pages";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useAct } from "@/ui/act";
import { ArtifactView } from "@/ui/ArtifactView";
import { ConfirmButton } from "@/ui/Confirm";
import { Id } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { Fact } from "@/ui/Fact";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

export function ArtifactPage() {
  const place = usePlace();
  const navigate = useNavigate();
  const { artifact: id = "" } = useParams({ strict: false });
  const [{ data, error }, read] = useQuery({ query: ArtifactDocument, variables: { id } });
  const remove = useAct(ArtifactDeleteDocument);
  const artifact = data?.node?.__typename === "Artifact" ? data.node : undefined;
  useTitle(artifact?.key ?? "Artifact");
  if (error && !artifact) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton rows={8} />;
  if (!artifact) return <EmptyState title="There is no such artifact, or you may not see it." />;
  return (
    <>
      <PageHead
        crumbs={<Crumb to="/artifacts">Artifacts</Crumb>}
        title={artifact.key ?? artifact.type}
        note={<span className="tag">{artifact.type}</span>}
        actions={
          <ConfirmButton
            label="Delete…"
            title="Delete this artifact?"
            verb="Delete the artifact"
            needs="ARTIFACTS_WRITE"
            onConfirm={async () => {
              if (!(await remove.act({ input: { id: artifact.id } }))) return;
              tell("The artifact is deleted.");
              void navigate({ to: "/$organization/$workspace/artifacts", params: place, search: {} });
            }}
          >
            It is gone for good. Others of its key stay.
          </ConfirmButton>
        }
      />
      <div className="panes">
        <div className="pane">
          <ArtifactView type={artifact.type} data={artifact.data} description={artifact.description} />
        </div>
        <aside>
          <dl className="facts">
            <Fact name="Id"><Id id={artifact.id} /></Fact>
            <Fact name="Made"><Time at={artifact.createdAt} /></Fact>
            <Fact name="Changed"><Time at={artifact.updatedAt} /></Fact>
            <Fact name="Size">{showSize(artifact.sizeBytes)}</Fact>
            {artifact.flowRun && <Fact name="Run"><Crumb to={`/runs/${artifact.flowRun.id}`}>{artifact.flowRun.name}</Crumb></Fact>}
            {artifact.taskRun && <Fact name="Task run"><Crumb to={`/task-runs/${artifact.taskRun.id}`}>{artifact.taskRun.name}</Crumb></Fact>}
          </dl>
          {artifact.key && <History name={artifact.key} current={artifact.id} />}
        </aside>
      </div>
    </>
  );
}

function History({ name, current }: { name: string; current: string }) {
  const { organization, workspace } = usePlace();
  const list = usePages("artifact history", ArtifactsDocument, { organization, workspace, filter: { key: { eq: name } } }, (data) => data.workspace?.artifacts);
  return (
    <section className="grid gap-2">
      <h2>Of this key</h2>
      <ol className="m-0 grid list-none gap-1 p-0 text-[13px]">
        {list.rows?.map((row) => (
          <li key={row.id}>{row.id === current ? <strong><Time at={row.createdAt} /></strong> : <Crumb to={`/artifacts/${row.id}`}><Time at={row.createdAt} /></Crumb>}</li>
        ))}
      </ol>
      {list.hasMore && <button type="button" className="button is-small justify-self-start" onClick={list.more}>Show more</button>}
    </section>
  );
}
