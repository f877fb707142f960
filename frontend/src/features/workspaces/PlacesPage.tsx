/** The workspaces somebody has, by organization: where one begins. */
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { NewPlace } from "@/features/workspaces/NewPlace";
import { OrganizationCreateDocument, OrganizationWorkspacesDocument, PlacesDocument } from "@/generated/graphql";
import { actIn } from "@/lib/acting";
import { useTitle } from "@/lib/title";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";

export function PlacesPage() {
  useTitle("Workspaces");
  const navigate = useNavigate();
  const [{ data, error }, read] = useQuery({ query: PlacesDocument });
  const [isMaking, setMaking] = useState(false);
  const make = useAct(OrganizationCreateDocument, { isQuiet: true });
  useEffect(() => actIn(undefined), []);
  if (error && !data) return <NoPlaces error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton rows={4} />;
  const { viewer } = data;
  const organizations = viewer.memberOf.length > 0 ? viewer.memberOf : viewer.organizations.nodes;
  const onMake = async (given: { name: string; slug: string }): Promise<void> => {
    const done = await make.act({ input: given });
    if (done?.organization) void navigate({ to: "/$organization/~", params: { organization: done.organization.slug } });
  };
  return (
    <main className="mx-auto grid max-w-4xl gap-8 p-6">
      <header className="places-head">
        <h1>Workspaces</h1>
        <Button onClick={() => setMaking(true)}>New organization</Button>
        <Link className="button" to="/~/you"><bdi>{viewer.actor.displayName}</bdi></Link>
      </header>
      {organizations.length === 0 && <EmptyState title="You belong to no organization yet. Ask one of its owners to invite you." />}
      {organizations.map(({ slug, name }) => <Place key={slug} slug={slug} name={name} />)}
      {isMaking && <NewPlace what="organization" before="/" isOpen={isMaking} isBusy={make.isBusy} refusals={make.refusals} onClose={() => setMaking(false)} onMake={(given) => void onMake(given)} />}
    </main>
  );
}

/** Somebody who belongs nowhere is refused before anything is read. */
function NoPlaces({ error, onRetry }: { error: Parameters<typeof ErrorState>[0]["error"]; onRetry: () => void }) {
  const isNowhere = error.graphQLErrors[0]?.extensions["code"] === "FORBIDDEN";
  if (!isNowhere) return <ErrorState error={error} onRetry={onRetry} />;
  return (
    <main className="mx-auto max-w-4xl p-6">
      <EmptyState title={error.graphQLErrors[0]?.message ?? "You may not see this."}>
        <a className="button" href="/auth/account">Your account</a>
      </EmptyState>
    </main>
  );
}

function Place({ slug, name }: { slug: string; name: string }) {
  const [{ data, error }, read] = useQuery({ query: OrganizationWorkspacesDocument, variables: { organization: slug } });
  const workspaces = data?.organization?.workspaces.nodes;
  return (
    <section className="grid gap-2" aria-label={name.slice(0, 100)}>
      <header className="flex items-baseline gap-3">
        <h2 className="truncate"><bdi>{name}</bdi></h2>
        <Link className="text-[13px]" to="/$organization/~" params={{ organization: slug }}>The organization</Link>
      </header>
      {error && !data && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
      {!data && !error && <Skeleton rows={1} />}
      {workspaces?.length === 0 && <p className="faint m-0 text-[13px]">No workspace that you may enter.</p>}
      {workspaces && workspaces.length > 0 && (
        <table className="table places">
          <tbody>
            {workspaces.map((workspace) => (
              <tr key={workspace.id}>
                <td>
                  <Link to="/$organization/$workspace" params={{ organization: slug, workspace: workspace.slug }}><bdi>{workspace.name}</bdi></Link>
                  {workspace.archivedAt && <span className="tag ml-2">archived</span>}
                </td>
                <td className="mono faint max-md:hidden">{`${slug}/${workspace.slug}`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
