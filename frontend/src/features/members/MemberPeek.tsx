/** One member: their roles, what those let them do and why, and how to change it. */
import { useState } from "react";
import { useQuery } from "urql";
import { placeOf } from "@/features/members/Bindings";
import { reasonsOf } from "@/features/members/scopes";
import { MemberRemoveDocument, type MemberRowFragment, RoleBindDocument, RoleChoicesDocument, TeamBindingsDocument } from "@/generated/graphql";
import { nameOf } from "@/lib/scopes";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { SelectField } from "@/ui/fields";
import { Peek } from "@/ui/Peek";
import { Time } from "@/ui/Time";
import { tell } from "@/ui/toasts";

export interface MemberPeekProps {
  member: MemberRowFragment;
  organization: string;
  onClose: () => void;
  onChanged: () => void;
}

export function MemberPeek({ member, organization, onClose, onChanged }: MemberPeekProps) {
  const remove = useAct(MemberRemoveDocument);
  return (
    <Peek title={<bdi>{member.user.displayName}</bdi>} onClose={onClose}>
      <dl className="facts">
        <dt>Address</dt>
        <dd>{member.user.email ?? "–"}</dd>
        <dt>Joined</dt>
        <dd><Time at={member.joinedAt} /></dd>
        {member.invitedBy && (
          <>
            <dt>Invited by</dt>
            <dd><bdi>{member.invitedBy.displayName}</bdi></dd>
          </>
        )}
      </dl>
      <Held member={member} organization={organization} onChanged={onChanged} />
      <Reasons member={member} organization={organization} />
      <section>
        <ConfirmButton
          label="Remove from the organization"
          title={`Remove ${member.user.displayName.slice(0, 80)}?`}
          verb="Remove them"
          needs="MEMBERS_WRITE"
          onConfirm={async () => {
            if (!(await remove.act({ input: { id: member.id } }))) return;
            onClose();
            onChanged();
            tell("They are no member any more.");
          }}
        >
          Their roles go, and their keys here stop working at once. What they made stays. They can be invited again.
        </ConfirmButton>
      </section>
    </Peek>
  );
}

function Held({ member, organization, onChanged }: Omit<MemberPeekProps, "onClose">) {
  const [{ data }] = useQuery({ query: RoleChoicesDocument, variables: { organization } });
  const bind = useAct(RoleBindDocument);
  const [roleId, setRoleId] = useState("");
  const [workspaceId, setWorkspaceId] = useState("");
  const roles = data?.organization?.roles ?? [];
  const act = async (input: { roleId: string; workspaceId?: string | undefined; objectId?: string | undefined; remove?: boolean }): Promise<void> => {
    const { roleId: role, remove, ...place } = input;
    const given = Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined && value !== ""));
    if (await bind.act({ input: { membershipId: member.id, roleId: role, ...given, ...(remove ? { remove } : {}) } })) onChanged();
  };
  return (
    <section className="grid gap-2" aria-label="Roles">
      <h2>Roles</h2>
      {member.bindings.length === 0 && <p className="faint m-0 text-[13px]">None of their own.</p>}
      <ul className="m-0 grid list-none gap-1 p-0">
        {member.bindings.map((binding) => (
          <li key={binding.id} className="flex items-center gap-2">
            <span>{binding.role.name}</span>
            <span className="faint">{placeOf(binding)}</span>
            <Button
              className="is-small ml-auto"
              needs="MEMBERS_WRITE"
              aria-label={`Take ${binding.role.name} away`}
              onClick={() => void act({ roleId: binding.role.id, workspaceId: binding.workspace?.id, objectId: binding.objectId ?? undefined, remove: true })}
            >
              Take away
            </Button>
          </li>
        ))}
      </ul>
      <div className="form-row items-end">
        <SelectField label="Give a role" value={roleId} onChange={setRoleId} choices={[{ value: "", label: "Choose…" }, ...roles.map(({ id, name }) => ({ value: id, label: name }))]} />
        <SelectField
          label="Where"
          value={workspaceId}
          onChange={setWorkspaceId}
          choices={[{ value: "", label: "Everywhere" }, ...(data?.organization?.workspaces.nodes ?? []).map(({ id, name }) => ({ value: id, label: name }))]}
        />
        <Button needs="MEMBERS_WRITE" isBusy={bind.isBusy} lacks={roleId ? undefined : "Choose a role first."} onClick={() => void act({ roleId, workspaceId })}>Give it</Button>
      </div>
    </section>
  );
}

function Reasons({ member, organization }: { member: MemberRowFragment; organization: string }) {
  const [{ data }] = useQuery({ query: TeamBindingsDocument, variables: { organization } });
  const own = new Set(member.teams.map(({ id }) => id));
  const teams = (data?.organization?.teams.nodes ?? []).filter(({ id }) => own.has(id));
  const reasons = reasonsOf({ bindings: member.bindings, teams });
  if (reasons.length === 0) return null;
  return (
    <details>
      <summary className="cursor-pointer text-[13px]">What they may do, and why</summary>
      <table className="table is-prose">
        <tbody>
          {reasons.map(([scope, by]) => (
            <tr key={scope}>
              <td className="mono">{nameOf(scope)}</td>
              <td className="faint">
                {by.map(({ role, team, binding }) => `${role}${team ? ` (${team})` : ""}, ${placeOf(binding)}`).join("; ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
