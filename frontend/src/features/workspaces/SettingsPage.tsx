/** Settings of a workspace: its name, how long what is kept, closing it. */
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { WorkspaceArchiveDocument, WorkspaceDeleteDocument, type WorkspaceRowFragment, WorkspaceSettingsDocument, WorkspaceUpdateDocument } from "@/generated/graphql";
import { useHeld } from "@/lib/edited";
import { usePlace } from "@/lib/place";
import { useTitle } from "@/lib/title";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { ConfirmButton } from "@/ui/Confirm";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { TextField } from "@/ui/fields";
import { PageHead } from "@/ui/PageHead";
import { tell } from "@/ui/toasts";

const KEPT = [
  { field: "runsDays", label: "Runs, in days" },
  { field: "logsDays", label: "Logs, in days" },
  { field: "eventsDays", label: "Events, in days" },
] as const;

export function SettingsPage() {
  const place = usePlace();
  useTitle("Settings", place.workspace);
  const [{ data, error }, read] = useQuery({ query: WorkspaceSettingsDocument, variables: { ...place } });
  const workspace = data?.workspace;
  if (error && !workspace) return <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!workspace) return <Skeleton rows={6} />;
  return (
    <>
      <PageHead title="Settings" note={workspace.archivedAt && <span className="tag">archived</span>} />
      <div className="pane">
        <General key={workspace.id} current={workspace} />
        <Closing workspace={workspace} organization={place.organization} />
      </div>
    </>
  );
}

function General({ current }: { current: WorkspaceRowFragment }) {
  const held = useHeld(current);
  return (
    <div className="grid gap-3" onInput={held.hold}>
      <Changed edited={held} onTake={held.release} />
      <GeneralForm key={held.shown.version} workspace={held.shown} expectedVersion={held.expectedVersion} onSaved={held.release} />
    </div>
  );
}

interface GeneralFormProps {
  workspace: WorkspaceRowFragment;
  expectedVersion: number;
  onSaved: () => void;
}

function GeneralForm({ workspace, expectedVersion, onSaved }: GeneralFormProps) {
  const [name, setName] = useState(workspace.name);
  const [kept, setKept] = useState(() => ({ runsDays: String(workspace.retention.runsDays), logsDays: String(workspace.retention.logsDays), eventsDays: String(workspace.retention.eventsDays) }));
  const update = useAct(WorkspaceUpdateDocument, { isQuiet: true });
  const refused = (field: string): string | undefined => update.refusals.find(({ path }) => path?.includes(field))?.message;
  const isShorter = KEPT.some(({ field }) => Number(kept[field]) < workspace.retention[field]);
  const save = async (): Promise<void> => {
    const retention = { runsDays: Number(kept.runsDays), logsDays: Number(kept.logsDays), eventsDays: Number(kept.eventsDays) };
    if (!(await update.act({ input: { id: workspace.id, expectedVersion, name: name.trim(), retention } }))) return;
    tell("Saved.");
    onSaved();
  };
  const lacks = KEPT.some(({ field }) => !/^\d+$/.test(kept[field])) ? "Say how many days, in digits." : undefined;
  const told = update.refusals.filter(({ path }) => !path?.some((part) => part === "name" || part.endsWith("Days")));
  return (
    <section className="form" aria-label="General">
      <h2>General</h2>
      <TextField label="Name" isRequired value={name} onChange={setName} problem={refused("name")} />
      <dl className="facts">
        <dt>In addresses</dt>
        <dd className="mono">{workspace.slug}</dd>
      </dl>
      <h2>How long it keeps what has ended</h2>
      <div className="form-row">
        {KEPT.map(({ field, label }) => (
          <TextField key={field} label={label} inputMode="numeric" value={kept[field]} onChange={(days) => setKept({ ...kept, [field]: days })} problem={refused(field)} className="num" />
        ))}
      </div>
      {isShorter && <p className="notice m-0">What is older than this is deleted for good, beginning within minutes.</p>}
      {told.length > 0 && <p className="field-problem" role="alert">{told.map(({ message }) => message).join(" ")}</p>}
      <span><Button isPrimary needs="ORG_ADMIN" isBusy={update.isBusy} lacks={lacks} onClick={() => void save()}>Save</Button></span>
    </section>
  );
}

function Closing({ workspace, organization }: { workspace: WorkspaceRowFragment; organization: string }) {
  const navigate = useNavigate();
  const archive = useAct(WorkspaceArchiveDocument);
  const remove = useAct(WorkspaceDeleteDocument);
  const isArchived = Boolean(workspace.archivedAt);
  const set = async (archived: boolean): Promise<void> => {
    const done = await archive.act({ input: { id: workspace.id, archived, expectedVersion: workspace.version } });
    if (done) tell(archived ? "It is archived: to be read, and nothing else." : "It is open again.");
  };
  return (
    <section className="grid justify-items-start gap-3" aria-label="Closing it">
      <h2>Closing it</h2>
      <p className="m-0">An archived workspace can be read by whoever could, and nothing starts in it. It can be opened again.</p>
      {isArchived ? (
        <Button needs="ORG_ADMIN" isBusy={archive.isBusy} onClick={() => void set(false)}>Open it again</Button>
      ) : (
        <ConfirmButton label="Archive" isDanger={false} needs="ORG_ADMIN" title={`Archive ${workspace.name.slice(0, 80)}?`} verb="Archive it" onConfirm={() => set(true)}>
          Schedules stop and agents are turned away until it is opened again.
        </ConfirmButton>
      )}
      <ConfirmButton
        label="Delete the workspace"
        needs="ORG_ADMIN"
        title={`Delete ${workspace.name.slice(0, 80)}?`}
        verb="Delete it for good"
        typed={workspace.slug}
        onConfirm={async () => {
          if (await remove.act({ input: { id: workspace.id, expectedVersion: workspace.version } })) void navigate({ to: "/$organization/~", params: { organization } });
        }}
      >
        Its flows, runs, logs, blocks and variables go. Nothing can be brought back but from a backup of the installation.
      </ConfirmButton>
    </section>
  );
}
