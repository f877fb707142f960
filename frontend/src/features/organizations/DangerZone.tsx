/** The end of an organization. */
import { OrganizationDeleteDocument, type OrganizationSettingsFragment } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { ConfirmButton } from "@/ui/Confirm";

export function DangerZone({ organization }: { organization: OrganizationSettingsFragment }) {
  const remove = useAct(OrganizationDeleteDocument);
  return (
    <section className="grid justify-items-start gap-3" aria-label="The end">
      <h2>The end</h2>
      <p className="m-0">Deleting the organization deletes its workspaces with all that is in them, its keys and its roles.</p>
      <ConfirmButton
        label="Delete the organization"
        title={`Delete ${organization.name.slice(0, 80)}?`}
        verb="Delete it for good"
        typed={organization.slug}
        needs="BILLING_WRITE"
        onConfirm={async () => {
          if (await remove.act({ input: { id: organization.id, expectedVersion: organization.version } })) window.location.assign("/");
        }}
      >
        Runs stop, agents are turned away, and nothing can be brought back but from a backup of the installation.
      </ConfirmButton>
    </section>
  );
}
