/** One service account: its roles, and the way to its keys. */
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type AccountChoicesQuery, type AccountRowFragment, ServiceAccountDeleteDocument, ServiceAccountRoleBindDocument } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { Id } from "@/ui/Copy";
import { SelectField } from "@/ui/fields";
import { Peek } from "@/ui/Peek";

export interface AccountPeekProps {
  account: AccountRowFragment;
  place: NonNullable<AccountChoicesQuery["organization"]>;
  organization: string;
  onClose: () => void;
  onChanged: () => void;
}

export function AccountPeek({ account, place, organization, onClose, onChanged }: AccountPeekProps) {
  const bind = useAct(ServiceAccountRoleBindDocument);
  const remove = useAct(ServiceAccountDeleteDocument);
  const [roleId, setRoleId] = useState("");
  const [workspaceId, setWorkspaceId] = useState("");
  const act = async (role: string, where: string | undefined, isGone: boolean): Promise<void> => {
    const input = { serviceAccountId: account.id, roleId: role, ...(where ? { workspaceId: where } : {}), ...(isGone ? { remove: true } : {}) };
    if (await bind.act({ input })) onChanged();
  };
  return (
    <Peek title={<bdi>{account.displayName}</bdi>} onClose={onClose}>
      <Id id={account.id} />
      <section className="grid gap-2" aria-label="Roles">
        <h2>Roles</h2>
        <ul className="m-0 grid list-none gap-1 p-0">
          {account.roles.map((binding) => (
            <li key={binding.id} className="flex items-center gap-2">
              <span>{binding.role.name}</span>
              <span className="faint">{binding.isOrganizationWide ? "everywhere" : binding.workspace?.name}</span>
              <Button className="is-small ml-auto" needs="MEMBERS_WRITE" onClick={() => void act(binding.role.id, binding.workspace?.id, true)}>Take away</Button>
            </li>
          ))}
        </ul>
        <div className="form-row items-end">
          <SelectField label="Give a role" value={roleId} onChange={setRoleId} choices={[{ value: "", label: "Choose…" }, ...place.roles.map(({ id, name }) => ({ value: id, label: name }))]} />
          <SelectField label="Where" value={workspaceId} onChange={setWorkspaceId} choices={[{ value: "", label: "Everywhere" }, ...place.workspaces.nodes.map(({ id, name }) => ({ value: id, label: name }))]} />
          <Button needs="MEMBERS_WRITE" isBusy={bind.isBusy} lacks={roleId ? undefined : "Choose a role first."} onClick={() => void act(roleId, workspaceId, false)}>Give it</Button>
        </div>
      </section>
      <Link className="button justify-self-start" to="/$organization/~/keys" params={{ organization }} search={{ owner: account.id }}>Its keys</Link>
      <ConfirmButton
        label="Delete the service account"
        title={`Delete ${account.displayName.slice(0, 80)}?`}
        verb="Delete it"
        needs="ORG_ADMIN"
        typed={account.displayName.length <= 40 ? account.displayName : undefined}
        onConfirm={async () => {
          if (!(await remove.act({ input: { id: account.id } }))) return;
          onClose();
          onChanged();
        }}
      >
        All its keys stop working at once. This cannot be taken back.
      </ConfirmButton>
    </Peek>
  );
}
