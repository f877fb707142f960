/** The workspaces of one organization, and making one. */
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { NewPlace } from "@/features/workspaces/NewPlace";
import { OrganizationWorkspacesDocument, WorkspaceCreateDocument } from "@/generated/graphql";
import { useOrganization } from "@/lib/organization";
import { useTitle } from "@/lib/title";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";

export function OverviewPage() {
  const slug = useOrganization();
  useTitle("Workspaces", slug);
  const navigate = useNavigate();
  const [{ data, error }, read] = useQuery({ query: OrganizationWorkspacesDocument, variables: { organization: slug } });
  const make = useAct(WorkspaceCreateDocument, { isQuiet: true });
  const [isMaking, setMaking] = useState(false);
  const organization = data?.organization;
  const onMake = async (given: { name: string; slug: string }): Promise<void> => {
    if (!organization) return;
    const done = await make.act({ input: { organizationId: organization.id, ...given } });
    if (!done?.workspace) return;
    read({ requestPolicy: "network-only" });
    void navigate({ to: "/$organization/$workspace/start", params: { organization: slug, workspace: done.workspace.slug } });
  };
  return (
    <>
      <PageHead title="Workspaces" actions={<Button isPrimary needs="ORG_ADMIN" onClick={() => setMaking(true)}>New workspace</Button>} />
      {error && !organization && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
      {!data && !error && <Skeleton rows={4} />}
      {organization?.workspaces.nodes.length === 0 && <EmptyState title="A workspace holds flows, their runs and what they need; teams and environments have one each." />}
      {organization && organization.workspaces.nodes.length > 0 && (
        <table className="table" aria-label="Workspaces">
          <thead>
            <tr>
              <th scope="col">Workspace</th>
              <th scope="col" className="max-md:hidden">In addresses</th>
              <th scope="col" className="is-number max-md:hidden">Runs kept</th>
              <th scope="col" className="is-number max-md:hidden">Logs kept</th>
              <th scope="col"><span className="sr-only">Settings</span></th>
            </tr>
          </thead>
          <tbody>
            {organization.workspaces.nodes.map((workspace) => (
              <tr key={workspace.id}>
                <td>
                  <Link to="/$organization/$workspace" params={{ organization: slug, workspace: workspace.slug }}><bdi>{workspace.name}</bdi></Link>
                  {workspace.archivedAt && <span className="tag ml-2">archived</span>}
                </td>
                <td className="mono faint max-md:hidden">{`${slug}/${workspace.slug}`}</td>
                <td className="is-number num max-md:hidden">{workspace.retention.runsDays} days</td>
                <td className="is-number num max-md:hidden">{workspace.retention.logsDays} days</td>
                <td className="is-number"><Link to="/$organization/$workspace/settings" params={{ organization: slug, workspace: workspace.slug }}>Settings</Link></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {isMaking && organization && <NewPlace what="workspace" before={`${slug}/`} isOpen={isMaking} isBusy={make.isBusy} refusals={make.refusals} onClose={() => setMaking(false)} onMake={(given) => void onMake(given)} />}
    </>
  );
}
