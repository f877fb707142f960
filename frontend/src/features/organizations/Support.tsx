/** Whether those who run the installation may look in, who asked to, and who was let in. */
import {
  OrganizationSupportAccessUpdateDocument,
  type OrganizationSettingsFragment,
  type SupportAccess,
  SupportGrantApproveDocument,
  SupportGrantEndDocument,
  type SupportRowFragment,
} from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { SelectField } from "@/ui/fields";
import { Time } from "@/ui/Time";

const CHOICES: readonly { value: SupportAccess; label: string }[] = [
  { value: "DISABLED", label: "Nobody" },
  { value: "ON_REQUEST", label: "Whoever asks and is let in" },
  { value: "ALLOWED", label: "Whoever says why" },
];

export interface SupportProps {
  organization: OrganizationSettingsFragment;
  grants: readonly SupportRowFragment[];
  onChanged: () => void;
}

export function Support({ organization, grants, onChanged }: SupportProps) {
  const update = useAct(OrganizationSupportAccessUpdateDocument);
  const approve = useAct(SupportGrantApproveDocument);
  const end = useAct(SupportGrantEndDocument);
  return (
    <section className="grid gap-4" aria-label="Support access">
      <h2>Support access</h2>
      <div className="form">
        <SelectField
          label="Who of the installation's operators may look in"
          value={organization.supportAccess}
          choices={CHOICES}
          onChange={(access) => void update.act({ input: { id: organization.id, access, expectedVersion: organization.version } })}
          hint="Whatever they do is in the audit log. Secrets stay closed to them."
        />
      </div>
      {grants.length > 0 && (
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Operator</th>
              <th scope="col">Why</th>
              <th scope="col" className="max-md:hidden">As</th>
              <th scope="col">Stands</th>
              <th scope="col" className="max-md:hidden">Until</th>
              <th scope="col"><span className="sr-only">What can be done</span></th>
            </tr>
          </thead>
          <tbody>
            {grants.map((grant) => (
              <tr key={grant.id}>
                <td><bdi>{grant.operatorName}</bdi></td>
                <td title={grant.reason}><bdi>{grant.reason}</bdi></td>
                <td className="max-md:hidden">{grant.role.toLowerCase()}</td>
                <td>{grant.state.toLowerCase()}</td>
                <td className="max-md:hidden">{grant.expiresAt ? <Time at={grant.expiresAt} /> : `${grant.hours} h`}</td>
                <td className="is-number">
                  {grant.state === "REQUESTED" && (
                    <ConfirmButton label="Let in" isDanger={false} needs="BILLING_WRITE" title={`Let ${grant.operatorName.slice(0, 60)} in?`} verb="Let them in" onConfirm={async () => {
                      if (await approve.act({ input: { id: grant.id } })) onChanged();
                    }}>
                      For {grant.hours} hours, as {grant.role.toLowerCase()}. You can end it at any moment.
                    </ConfirmButton>
                  )}
                  {grant.state === "ACTIVE" && (
                    <Button needs="ORG_ADMIN" onClick={async () => {
                      if (await end.act({ input: { id: grant.id } })) onChanged();
                    }}>
                      End
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
