/** The roles matrix: which role holds which permission; an organization's own are changed in it. */
import { useState } from "react";
import { useQuery } from "urql";
import { RoleDialog } from "@/features/roles/RoleDialog";
import { type RoleColumnFragment, RolesDocument } from "@/generated/graphql";
import { useOrganization } from "@/lib/organization";
import { SCOPE_GROUPS, type ScopeGroup } from "@/lib/scopeGroups";
import { nameOf } from "@/lib/scopes";
import { useTitle } from "@/lib/title";
import { Button } from "@/ui/Button";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { PageHead } from "@/ui/PageHead";

export function RolesPage() {
  const organization = useOrganization();
  useTitle("Roles", organization);
  const [{ data, error }, read] = useQuery({ query: RolesDocument, variables: { organization } });
  const [opened, setOpened] = useState<RoleColumnFragment | "new">();
  const again = (): void => read({ requestPolicy: "network-only" });
  const place = data?.organization;
  return (
    <>
      <PageHead title="Roles" actions={<Button isPrimary needs="MEMBERS_WRITE" onClick={() => setOpened("new")}>New role</Button>} />
      {error && !place && <ErrorState error={error} onRetry={again} />}
      {!data && !error && <Skeleton rows={12} />}
      {place && (
        <div className="overflow-x-auto" role="region" aria-label="Roles and permissions" tabIndex={0}>
          <table className="table matrix">
            <thead>
              <tr>
                <th scope="col">Permission</th>
                {place.roles.map((role) => (
                  <th key={role.id} scope="col">
                    {role.builtin ? role.name : <button type="button" className="table-order" title="Change it" onClick={() => setOpened(role)}><bdi>{role.name}</bdi></button>}
                    {!role.builtin && <span className="faint block font-normal">own</span>}
                  </th>
                ))}
              </tr>
            </thead>
            {SCOPE_GROUPS.map((group) => <Group key={group.title} group={group} roles={place.roles} />)}
          </table>
        </div>
      )}
      {place && opened && (
        <RoleDialog key={opened === "new" ? "new" : opened.id} role={opened === "new" ? undefined : opened} organizationId={place.id} onClose={() => setOpened(undefined)} onChanged={again} />
      )}
    </>
  );
}

function Group({ group, roles }: { group: ScopeGroup; roles: readonly RoleColumnFragment[] }) {
  return (
    <tbody>
      <tr>
        <th scope="rowgroup" colSpan={roles.length + 1} className="matrix-group">{group.title}</th>
      </tr>
      {group.scopes.map(({ scope, says }) => (
        <tr key={scope}>
          <th scope="row" className="matrix-scope">
            <span>{says}</span>
            <code className="faint">{nameOf(scope)}</code>
          </th>
          {roles.map((role) => (
            <td key={role.id} className="matrix-cell">
              {role.scopes.includes(scope) ? <span aria-label="yes">●</span> : <span className="faint" aria-label="no">·</span>}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}
