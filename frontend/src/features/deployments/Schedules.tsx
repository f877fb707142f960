/** When a deployment runs: its schedules in words, with what they fire next in both zones. */
import { useState } from "react";
import { type DeploymentDetailFragment, ScheduleDeleteDocument, type ScheduleRowFragment, ScheduleUpsertDocument } from "@/generated/graphql";
import { ScheduleEditor } from "@/features/deployments/ScheduleEditor";
import { inputOf } from "@/features/deployments/specs";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { EmptyState } from "@/ui/Feedback";
import { Fires } from "@/ui/Fires";
import { JsonView } from "@/ui/JsonView";
import { Menu } from "@/ui/Menu";
import { ScheduleWords } from "@/ui/ScheduleWords";
import { StateLabel } from "@/ui/StateLabel";
import { tell } from "@/ui/toasts";

const MISSED = { SKIP: "Missed ones are left out.", LATEST: "Of missed ones the latest is made up for.", ALL: "Missed ones are made up for." } as const;

export function Schedules({ deployment, onChange }: { deployment: DeploymentDetailFragment; onChange: () => void }) {
  const [edited, setEdited] = useState<ScheduleRowFragment | "new">();
  const add = <Button needs="FLOWS_WRITE" onClick={() => setEdited("new")}>Add a schedule</Button>;
  return (
    <>
      {deployment.schedules.length === 0 ? (
        <EmptyState title="It has no schedule: it runs when it is asked to.">{add}</EmptyState>
      ) : (
        <div className="pane">
          {deployment.paused && <p className="notice m-0">The deployment is paused: nothing below makes a run.</p>}
          {deployment.schedules.map((schedule) => (
            <ScheduleCard key={schedule.id} deploymentId={deployment.id} schedule={schedule} onEdit={() => setEdited(schedule)} onChange={onChange} />
          ))}
          <div>{add}</div>
        </div>
      )}
      {edited !== undefined && (
        <ScheduleEditor deployment={deployment} schedule={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} onDone={onChange} />
      )}
    </>
  );
}

interface ScheduleCardProps {
  deploymentId: string;
  schedule: ScheduleRowFragment;
  onEdit: () => void;
  onChange: () => void;
}

function ScheduleCard({ deploymentId, schedule, onEdit, onChange }: ScheduleCardProps) {
  const upsert = useAct(ScheduleUpsertDocument);
  const remove = useAct(ScheduleDeleteDocument);
  const [isAsked, setAsked] = useState(false);
  const setActive = async (active: boolean): Promise<void> => {
    const input = { ...inputOf(schedule), deploymentId, active };
    if (!(await upsert.act({ input }))) return;
    tell(active ? "The schedule fires again." : "The schedule is paused.", { undo: () => void upsert.act({ input: { ...input, active: !active } }) });
  };
  return (
    <article className="grid gap-2 border-b border-(--hairline) pb-4">
      <header className="flex flex-wrap items-center gap-3">
        <strong><ScheduleWords description={schedule.description} /></strong>
        <span className="faint text-[13px]">{`${schedule.slug} · ${schedule.timezone}`}</span>
        {!schedule.active && <StateLabel type="PAUSED" name="Paused" />}
        <span className="ml-auto flex gap-2">
          <Button needs="FLOWS_WRITE" isBusy={upsert.isBusy} onClick={() => void setActive(!schedule.active)}>{schedule.active ? "Pause" : "Resume"}</Button>
          <Menu
            label="⋯"
            name={`More to do with ${schedule.slug}`}
            entries={[
              { label: "Change…", needs: "FLOWS_WRITE", onSelect: onEdit },
              { label: "Delete…", needs: "FLOWS_WRITE", isDanger: true, onSelect: () => setAsked(true) },
            ]}
          />
        </span>
      </header>
      <p className="faint m-0 text-[13px]">
        {MISSED[schedule.catchUp.policy]}
        {schedule.missedCount > 0 && ` ${schedule.missedCount.toLocaleString("en")} were left out so far.`}
      </p>
      {schedule.active && <Fires fires={schedule.upcoming} timezone={schedule.timezone} />}
      {schedule.parameters !== null && schedule.parameters !== undefined && <JsonView value={schedule.parameters} label={`Parameters of ${schedule.slug}`} />}
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={`Delete the schedule ${schedule.slug}?`}
        verb="Delete the schedule"
        onConfirm={async () => {
          if (await remove.act({ input: { id: schedule.id } })) tell("The schedule is deleted.");
          onChange();
        }}
      >
        It makes no further runs. Those that wait already are deleted with it.
      </Confirm>
    </article>
  );
}
