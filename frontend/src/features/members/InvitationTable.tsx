/** Invitations that nobody has accepted yet. */
import { InvitationRevokeDocument, InvitationsDocument } from "@/generated/graphql";
import { usePages } from "@/lib/pages";
import { useAct } from "@/ui/act";
import { ConfirmButton } from "@/ui/Confirm";
import { MINUTE_MS, useNow } from "@/ui/clock";
import { Time } from "@/ui/Time";

export function InvitationTable({ organization }: { organization: string }) {
  const list = usePages("invitations", InvitationsDocument, { organization }, (data) => data.organization?.invitations);
  const revoke = useAct(InvitationRevokeDocument);
  const now = useNow(MINUTE_MS);
  if (!list.rows || list.rows.length === 0) return null;
  return (
    <section className="pane" aria-label="Invitations">
      <h2>Invited</h2>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Address</th>
            <th scope="col">Roles</th>
            <th scope="col" className="max-md:hidden">By</th>
            <th scope="col">Ends</th>
            <th scope="col"><span className="sr-only">What can be done</span></th>
          </tr>
        </thead>
        <tbody>
          {list.rows.map((invitation) => (
            <tr key={invitation.id}>
              <td>{invitation.email}</td>
              <td>
                {invitation.roles.map((role) => <span key={role.id} className="tag mr-1">{role.name}</span>)}
                {invitation.workspace && <span className="faint">in {invitation.workspace.name}</span>}
              </td>
              <td className="max-md:hidden"><bdi>{invitation.invitedBy?.displayName}</bdi></td>
              <td>
                {Date.parse(invitation.expiresAt) < now ? <span className="faint">expired</span> : <Time at={invitation.expiresAt} isRelative />}
              </td>
              <td className="is-number">
                <ConfirmButton
                  label="Revoke"
                  title={`Revoke the invitation of ${invitation.email}?`}
                  verb="Revoke it"
                  needs="MEMBERS_WRITE"
                  onConfirm={async () => {
                    if (await revoke.act({ input: { id: invitation.id } })) list.again();
                  }}
                >
                  The link does not work any more. Somebody who has joined already stays.
                </ConfirmButton>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
