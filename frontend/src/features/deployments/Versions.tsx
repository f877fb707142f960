/** What a deployment was: each version with what it changed, and the way back to it. */
import { useState } from "react";
import { useQuery } from "urql";
import { type DeploymentDetailFragment, DeploymentPromoteDocument, DeploymentVersionsDocument, type DeploymentVersionsQuery, VersionChangesDocument } from "@/generated/graphql";
import { usePages } from "@/lib/pages";
import { useAct } from "@/ui/act";
import { ConfirmButton } from "@/ui/Confirm";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

type VersionList = Extract<NonNullable<DeploymentVersionsQuery["node"]>, { versions: unknown }>["versions"];
type Version = VersionList["nodes"][number];

export function Versions({ deployment, onChange }: { deployment: DeploymentDetailFragment; onChange: () => void }) {
  const list = usePages("versions", DeploymentVersionsDocument, { id: deployment.id }, (data) => (data.node && "versions" in data.node ? data.node.versions : undefined));
  const promote = useAct(DeploymentPromoteDocument);
  const [open, setOpen] = useState<string>();
  if (list.error && !list.rows) return <ErrorState error={list.error} onRetry={list.again} />;
  if (!list.rows) return <Skeleton rows={5} />;
  const act = async (version: Version): Promise<void> => {
    if (!(await promote.act({ input: { id: version.id } }))) return;
    tell(`Version ${nameOf(version)} is current.`);
    list.again();
    onChange();
  };
  return (
    <ol className="versions" aria-label="Versions">
      {list.rows.map((version) => (
        <li key={version.id}>
          <div className="flex flex-wrap items-center gap-3">
            <strong className="num">{nameOf(version)}</strong>
            {version.isCurrent && <span className="tag">current</span>}
            <span className="faint text-[13px]"><Time at={version.createdAt} />{version.createdBy && ` by ${version.createdBy.displayName}`}</span>
            <Git git={version.git} />
            <span className="ml-auto flex gap-2">
              <button type="button" className="button" aria-expanded={open === version.id} onClick={() => setOpen(open === version.id ? undefined : version.id)}>What changed</button>
              {!version.isCurrent && (
                <ConfirmButton label="Make it current…" title={`Make version ${nameOf(version)} current?`} verb="Make it current" isDanger={false} needs="FLOWS_WRITE" onConfirm={() => act(version)}>
                  Runs that start from now on are of this version. Those that run already are not touched.
                </ConfirmButton>
              )}
            </span>
          </div>
          {open === version.id && <Changes id={version.id} />}
        </li>
      ))}
      {list.hasMore && <li><button type="button" className="button" onClick={list.more}>Show more</button></li>}
    </ol>
  );
}

function nameOf({ number, label }: Version): string {
  return label ? `${number} · ${label}` : String(number);
}

function Git({ git }: { git: unknown }) {
  if (typeof git !== "object" || git === null || !("commit" in git) || typeof git.commit !== "string") return null;
  return <code className="faint text-[12px]">{git.commit.slice(0, 10)}</code>;
}

function Changes({ id }: { id: string }) {
  const [{ data, error }, read] = useQuery({ query: VersionChangesDocument, variables: { id } });
  const changes = data?.node && "changes" in data.node ? data.node.changes : undefined;
  if (error && !changes) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!changes) return <Skeleton rows={2} />;
  if (changes.length === 0) return <p className="faint m-0 text-[13px]">Nothing is different from the version before it.</p>;
  return (
    <table className="table diff" aria-label="What changed">
      <thead>
        <tr><th scope="col">What</th><th scope="col">Before</th><th scope="col">In this version</th></tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr key={change.path.join(".")}>
            <td className="mono">{change.path.join(".")}</td>
            <td><del>{shown(change.before)}</del></td>
            <td><ins>{shown(change.after)}</ins></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value, null, 1);
}
