/** The workspaces somebody has, by organization: where one begins. */
import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { PlacesDocument } from "@/generated/graphql";
import { useTitle } from "@/lib/title";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";

export function PlacesPage() {
  useTitle("Workspaces");
  const [{ data, error }, read] = useQuery({ query: PlacesDocument });
  if (error && !data) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton rows={4} />;
  const organizations = data.viewer.organizations.nodes;
  if (organizations.length === 0) {
    return <EmptyState title="You belong to no organization yet. Ask one of its owners to invite you." />;
  }
  return (
    <main className="mx-auto grid max-w-3xl gap-6 p-6">
      <h1 className="text-[20px]">Workspaces</h1>
      {organizations.map((organization) => (
        <section key={organization.id} className="grid gap-2">
          <h2>{organization.name}</h2>
          <table className="table">
            <tbody>
              {organization.workspaces.nodes.map((workspace) => (
                <tr key={workspace.id}>
                  <td>
                    <Link to="/$organization/$workspace" params={{ organization: organization.slug, workspace: workspace.slug }}>
                      {workspace.name}
                    </Link>
                  </td>
                  <td className="mono faint">{`${organization.slug}/${workspace.slug}`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </main>
  );
}
