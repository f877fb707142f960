/** Inviting somebody: by address, with what they are to hold. The link is shown where no mail goes out. */
import { useState } from "react";
import { useQuery } from "urql";
import { MemberInviteDocument, RoleChoicesDocument } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Choices } from "@/ui/Choices";
import { Dialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextField } from "@/ui/fields";
import { ShownOnce } from "@/ui/ShownOnce";
import { tell } from "@/ui/toasts";

export interface InviteDialogProps {
  organization: string;
  isOpen: boolean;
  onClose: () => void;
  onInvited: () => void;
}

const EVERYWHERE = "";

export function InviteDialog({ organization, isOpen, onClose, onInvited }: InviteDialogProps) {
  const [{ data }] = useQuery({ query: RoleChoicesDocument, variables: { organization }, pause: !isOpen });
  const invite = useAct(MemberInviteDocument, { isQuiet: true });
  const [email, setEmail] = useState("");
  const [roleIds, setRoleIds] = useState<string[]>([]);
  const [workspaceId, setWorkspaceId] = useState(EVERYWHERE);
  const [anyAddress, setAnyAddress] = useState(false);
  const [link, setLink] = useState<string>();
  const place = data?.organization;
  const refused = (path: string): string | undefined => invite.refusals.find((each) => each.path?.[0] === path)?.message;
  const send = async (): Promise<void> => {
    if (!place) return;
    const done = await invite.act({
      input: { organizationId: place.id, email: email.trim(), roleIds, anyAddress, ...(workspaceId ? { workspaceId } : {}) },
    });
    if (!done) return;
    onInvited();
    onClose();
    setEmail("");
    setRoleIds([]);
    if (done.invitationUrl) setLink(done.invitationUrl);
    else tell(`An invitation is on its way to ${email.trim()}.`);
  };
  const other = invite.refusals.find((each) => !["email", "roleIds"].includes(each.path?.[0] ?? ""));
  return (
    <>
      <Dialog
        isOpen={isOpen}
        onClose={onClose}
        title="Invite somebody"
        foot={
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button isPrimary isBusy={invite.isBusy} lacks={email.trim() ? undefined : "Say whom: an address."} onClick={() => void send()}>Invite</Button>
          </>
        }
      >
        <TextField label="Address" type="email" isRequired value={email} onChange={setEmail} problem={refused("email")} autoComplete="off" />
        <Choices
          label="Roles"
          hint="Without one they may see the organization's people and nothing else."
          choices={(place?.roles ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          chosen={roleIds}
          onChange={setRoleIds}
        />
        <SelectField
          label="Where"
          value={workspaceId}
          onChange={setWorkspaceId}
          choices={[{ value: EVERYWHERE, label: "Everywhere" }, ...(place?.workspaces.nodes ?? []).map(({ id, name }) => ({ value: id, label: name }))]}
        />
        <CheckField label="Whoever has the link may accept it" hint="Otherwise only somebody with this address." isOn={anyAddress} onChange={setAnyAddress} />
        {other && <p className="field-problem" role="alert">{other.message}</p>}
      </Dialog>
      <ShownOnce title="The invitation" secret={link} onClose={() => setLink(undefined)}>
        No mail goes out from this installation. Send this link to whom it is for.
      </ShownOnce>
    </>
  );
}
