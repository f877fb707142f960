/** Making a role of an organization's own, changing what it holds, deleting it. */
import { useState } from "react";
import { type RoleColumnFragment, RoleDeleteDocument, RoleUpsertDocument, type Scope } from "@/generated/graphql";
import { useEdited } from "@/lib/edited";
import { SCOPE_GROUPS } from "@/lib/scopeGroups";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { Choices } from "@/ui/Choices";
import { ConfirmButton } from "@/ui/Confirm";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/fields";

export interface RoleDialogProps {
  /** Undefined makes one. */
  role: RoleColumnFragment | undefined;
  organizationId: string;
  onClose: () => void;
  onChanged: () => void;
}

export function RoleDialog({ role, organizationId, onClose, onChanged }: RoleDialogProps) {
  const [name, setName] = useState(role?.name ?? "");
  const [scopes, setScopes] = useState<Scope[]>(role?.scopes ?? []);
  const upsert = useAct(RoleUpsertDocument, { isQuiet: true });
  const remove = useAct(RoleDeleteDocument);
  const edited = useEdited(role);
  const others = otherRefusals(upsert.refusals, ["name"]);
  const done = (): void => {
    onChanged();
    onClose();
  };
  const save = async (): Promise<void> => {
    const input = { organizationId, name: name.trim(), scopes, expectedVersion: edited.expectedVersion };
    if (await upsert.act({ input })) done();
  };
  const lacks = !name.trim() ? "Give it a name." : scopes.length === 0 ? "Choose at least one permission." : undefined;
  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title={role ? `The role ${role.name.slice(0, 60)}` : "New role"}
      foot={
        <>
          {role && (
            <ConfirmButton
              label="Delete"
              title={`Delete the role ${role.name.slice(0, 60)}?`}
              verb="Delete it"
              needs="MEMBERS_WRITE"
              onConfirm={async () => {
                if (await remove.act({ input: { id: role.id } })) done();
              }}
            >
              Nobody may hold it then. A role that somebody still holds stays.
            </ConfirmButton>
          )}
          <Button isPrimary needs="MEMBERS_WRITE" isBusy={upsert.isBusy} lacks={lacks} onClick={() => void save()}>{role ? "Save" : "Make it"}</Button>
        </>
      }
    >
      <Changed edited={edited} />
      <TextField label="Name" isRequired value={name} onChange={setName} problem={refusalAt(upsert.refusals, "name")} disabled={role !== undefined} hint={role ? "A role keeps its name." : undefined} />
      {SCOPE_GROUPS.map((group) => (
        <Choices
          key={group.title}
          label={group.title}
          choices={group.scopes.map(({ scope, says }) => ({ value: scope, label: says }))}
          chosen={scopes}
          onChange={setScopes}
        />
      ))}
      {others.length > 0 && <p className="field-problem" role="alert">{others.map(({ message }) => message).join(" ")}</p>}
    </Dialog>
  );
}
