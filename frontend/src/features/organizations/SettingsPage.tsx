/** Settings of an organization: its name, who is let in and from where, support, its end. */
import { type ReactNode, useState } from "react";
import { useQuery } from "urql";
import { DangerZone } from "@/features/organizations/DangerZone";
import { Support } from "@/features/organizations/Support";
import { OrganizationAllowlistUpdateDocument, OrganizationPageDocument, type OrganizationSettingsFragment, OrganizationUpdateDocument } from "@/generated/graphql";
import { useHeld } from "@/lib/edited";
import { useOrganization } from "@/lib/organization";
import { useTitle } from "@/lib/title";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { AreaField, CheckField, TextField } from "@/ui/fields";
import { PageHead } from "@/ui/PageHead";
import { tell } from "@/ui/toasts";

export function SettingsPage() {
  const slug = useOrganization();
  useTitle("Settings", slug);
  const [{ data, error }, read] = useQuery({ query: OrganizationPageDocument, variables: { organization: slug } });
  const again = (): void => read({ requestPolicy: "network-only" });
  const organization = data?.organization;
  if (error && !organization) return <ErrorState error={error} onRetry={again} />;
  if (!organization) return <Skeleton rows={8} />;
  return (
    <>
      <PageHead title="Settings" />
      <div className="pane">
        <Kept key={`general-${organization.id}`} organization={organization} form={General} />
        <Kept key={`networks-${organization.id}`} organization={organization} form={Networks} />
        <Support organization={organization} grants={organization.supportGrants.nodes} onChanged={again} />
        <DangerZone organization={organization} />
      </div>
    </>
  );
}

interface FormProps {
  organization: OrganizationSettingsFragment;
  expectedVersion: number;
  onSaved: () => void;
}

/** A form of the page; while somebody writes in it, it stays as it is, whoever changes the organization. */
function Kept({ organization, form: Form }: { organization: OrganizationSettingsFragment; form: (props: FormProps) => ReactNode }) {
  const held = useHeld(organization);
  return (
    <div className="grid gap-3" onInput={held.hold} onChange={held.hold}>
      <Changed edited={held} onTake={held.release} />
      <Form key={held.shown.version} organization={held.shown} expectedVersion={held.expectedVersion} onSaved={held.release} />
    </div>
  );
}

function General({ organization, expectedVersion, onSaved }: FormProps) {
  const [name, setName] = useState(organization.name);
  const [isFactorNeeded, setFactorNeeded] = useState(organization.requiresSecondFactor);
  const update = useAct(OrganizationUpdateDocument, { isQuiet: true });
  const isSame = name === organization.name && isFactorNeeded === organization.requiresSecondFactor;
  const save = async (): Promise<void> => {
    const input = { id: organization.id, expectedVersion, name, requireSecondFactor: isFactorNeeded };
    if (!(await update.act({ input }))) return;
    tell("Saved.");
    onSaved();
  };
  return (
    <form
      className="form"
      aria-label="General"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <h2>General</h2>
      <TextField label="Name" isRequired value={name} onChange={setName} problem={update.refusals[0]?.message} />
      <dl className="facts">
        <dt>In addresses</dt>
        <dd className="mono">{organization.slug}</dd>
      </dl>
      <CheckField
        label="Everybody signs in with a second factor"
        hint="Or with a provider. Who has none is led to turn one on; keys are not asked."
        isOn={isFactorNeeded}
        onChange={setFactorNeeded}
      />
      <span><Button type="submit" isPrimary needs="ORG_ADMIN" isBusy={update.isBusy} lacks={isSame ? "Nothing has changed." : undefined} onClick={() => void save()}>Save</Button></span>
    </form>
  );
}

function Networks({ organization, expectedVersion, onSaved }: FormProps) {
  const [text, setText] = useState(organization.allowedNetworks.join("\n"));
  const update = useAct(OrganizationAllowlistUpdateDocument, { isQuiet: true });
  const networks = text.split(/[\s,]+/).filter(Boolean);
  const isSame = networks.join() === organization.allowedNetworks.join();
  const save = async (): Promise<void> => {
    if (!(await update.act({ input: { id: organization.id, networks, expectedVersion } }))) return;
    tell("Saved.");
    onSaved();
  };
  return (
    <section className="form" aria-label="Networks">
      <h2>Where it may be reached from</h2>
      <AreaField
        label="Networks"
        value={text}
        onChange={setText}
        rows={3}
        problem={update.refusals.map(({ message }) => message).join(" ") || undefined}
        hint="One in a line, such as 198.51.100.0/24. None lets every address in. The address you come from has to be among them."
      />
      <span><Button needs="ORG_ADMIN" isBusy={update.isBusy} lacks={isSame ? "Nothing has changed." : undefined} onClick={() => void save()}>Save the networks</Button></span>
    </section>
  );
}
