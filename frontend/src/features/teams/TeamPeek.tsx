/** One team: who is in it and what it holds. */
import { useState } from "react";
import { type TeamChoicesQuery, TeamDeleteDocument, TeamMemberSetDocument, TeamRoleBindDocument, type TeamRowFragment } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { SelectField } from "@/ui/fields";
import { Peek } from "@/ui/Peek";
import { tell } from "@/ui/toasts";

export interface TeamPeekProps {
  team: TeamRowFragment;
  place: NonNullable<TeamChoicesQuery["organization"]>;
  onClose: () => void;
  onChanged: () => void;
}

const NOTHING = { value: "", label: "Choose…" };

export function TeamPeek({ team, place, onClose, onChanged }: TeamPeekProps) {
  const remove = useAct(TeamDeleteDocument);
  return (
    <Peek title={<bdi>{team.name}</bdi>} onClose={onClose}>
      <People team={team} place={place} onChanged={onChanged} />
      <Roles team={team} place={place} onChanged={onChanged} />
      <ConfirmButton
        label="Delete the team"
        title={`Delete the team ${team.name.slice(0, 80)}?`}
        verb="Delete it"
        needs="MEMBERS_WRITE"
        onConfirm={async () => {
          if (!(await remove.act({ input: { id: team.id } }))) return;
          onClose();
          onChanged();
          tell("The team is gone.");
        }}
      >
        Its people lose what only the team gave them. They stay members.
      </ConfirmButton>
    </Peek>
  );
}

function People({ team, place, onChanged }: Omit<TeamPeekProps, "onClose">) {
  const set = useAct(TeamMemberSetDocument);
  const [chosen, setChosen] = useState("");
  const change = async (membershipId: string, remove: boolean): Promise<void> => {
    if (!(await set.act({ input: { teamId: team.id, membershipId, ...(remove ? { remove } : {}) } }))) return;
    setChosen("");
    onChanged();
  };
  const others = place.members.nodes.filter(({ id }) => !team.members.some((member) => member.id === id));
  return (
    <section className="grid gap-2" aria-label="People">
      <h2>People</h2>
      <ul className="m-0 grid list-none gap-1 p-0">
        {team.members.map((member) => (
          <li key={member.id} className="flex items-center gap-2">
            <bdi className="truncate">{member.user.displayName}</bdi>
            <Button className="is-small ml-auto" needs="MEMBERS_WRITE" onClick={() => void change(member.id, true)}>Take out</Button>
          </li>
        ))}
      </ul>
      {team.membersMore > 0 && <p className="faint m-0 text-[13px]">{`and ${team.membersMore.toLocaleString("en")} more, who joined later`}</p>}
      <div className="form-row items-end">
        <SelectField label="Add somebody" value={chosen} onChange={setChosen} choices={[NOTHING, ...others.map(({ id, user }) => ({ value: id, label: user.displayName }))]} />
        <Button needs="MEMBERS_WRITE" isBusy={set.isBusy} lacks={chosen ? undefined : "Choose somebody first."} onClick={() => void change(chosen, false)}>Add</Button>
      </div>
    </section>
  );
}

function Roles({ team, place, onChanged }: Omit<TeamPeekProps, "onClose">) {
  const bind = useAct(TeamRoleBindDocument);
  const [roleId, setRoleId] = useState("");
  const [workspaceId, setWorkspaceId] = useState("");
  const act = async (role: string, where: string | undefined, remove: boolean): Promise<void> => {
    const input = { teamId: team.id, roleId: role, ...(where ? { workspaceId: where } : {}), ...(remove ? { remove } : {}) };
    if (await bind.act({ input })) onChanged();
  };
  return (
    <section className="grid gap-2" aria-label="Roles">
      <h2>Roles</h2>
      <ul className="m-0 grid list-none gap-1 p-0">
        {team.bindings.map((binding) => (
          <li key={binding.id} className="flex items-center gap-2">
            <span>{binding.role.name}</span>
            <span className="faint">{binding.isOrganizationWide ? "everywhere" : binding.workspace?.name}</span>
            <Button className="is-small ml-auto" needs="MEMBERS_WRITE" onClick={() => void act(binding.role.id, binding.workspace?.id, true)}>Take away</Button>
          </li>
        ))}
      </ul>
      <div className="form-row items-end">
        <SelectField label="Give a role" value={roleId} onChange={setRoleId} choices={[NOTHING, ...place.roles.map(({ id, name }) => ({ value: id, label: name }))]} />
        <SelectField label="Where" value={workspaceId} onChange={setWorkspaceId} choices={[{ value: "", label: "Everywhere" }, ...place.workspaces.nodes.map(({ id, name }) => ({ value: id, label: name }))]} />
        <Button needs="MEMBERS_WRITE" isBusy={bind.isBusy} lacks={roleId ? undefined : "Choose a role first."} onClick={() => void act(roleId, workspaceId, false)}>Give it</Button>
      </div>
    </section>
  );
}
