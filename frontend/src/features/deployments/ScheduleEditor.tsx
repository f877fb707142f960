/** A schedule to make or to change: in words as it is written, with its next fires in both zones. */
import { useMemo, useState } from "react";
import { useQuery } from "urql";
import { type CatchUpPolicy, type DeploymentDetailFragment, SchedulePreviewDocument, type ScheduleRowFragment, ScheduleUpsertDocument } from "@/generated/graphql";
import { draftOf, newDraft, specOf, type SpecDraft, UNITS } from "@/features/deployments/specs";
import { useEdited } from "@/lib/edited";
import { useSettled } from "@/lib/settled";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { Dialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextField } from "@/ui/fields";
import { Fires } from "@/ui/Fires";
import { ScheduleWords } from "@/ui/ScheduleWords";
import { tell } from "@/ui/toasts";

export interface ScheduleEditorProps {
  deployment: DeploymentDetailFragment;
  /** Undefined makes a new one. */
  schedule: ScheduleRowFragment | undefined;
  onClose: () => void;
  onDone: () => void;
}

const KINDS = [
  { value: "cron", label: "Cron: by the clock and the calendar" },
  { value: "interval", label: "Interval: always after the same time" },
  { value: "rrule", label: "Rule: as calendars have them (RFC 5545)" },
] as const;
const POLICIES: readonly { value: CatchUpPolicy; label: string }[] = [
  { value: "SKIP", label: "leave them out" },
  { value: "LATEST", label: "make up for the latest" },
  { value: "ALL", label: "make up for all" },
];

/** Stands for no question; it is never asked. */
const NOTHING = { interval: { every: "PT1H" } };

/** A name that none of its schedules has. */
function freeSlug(schedules: readonly { slug: string }[]): string {
  const taken = new Set(schedules.map(({ slug }) => slug));
  for (let number = 1; ; number += 1) {
    const slug = number === 1 ? "default" : `schedule-${number}`;
    if (!taken.has(slug)) return slug;
  }
}

export function ScheduleEditor({ deployment, schedule, onClose, onDone }: ScheduleEditorProps) {
  const [draft, setDraft] = useState<SpecDraft>(() => (schedule ? draftOf(schedule) : newDraft()));
  const [slug, setSlug] = useState(() => schedule?.slug ?? freeSlug(deployment.schedules));
  const [policy, setPolicy] = useState<CatchUpPolicy>(schedule?.catchUp.policy ?? "SKIP");
  const upsert = useAct(ScheduleUpsertDocument, { isQuiet: true });
  const edited = useEdited(schedule);
  const spec = useMemo(() => specOf(draft), [draft]);
  const asked = useSettled(spec);
  const [{ data }] = useQuery({ query: SchedulePreviewDocument, variables: { spec: asked ?? NOTHING }, pause: !asked });
  const preview = asked ? data?.schedulePreview : undefined;
  const error = preview?.error;
  const save = async (): Promise<void> => {
    if (!spec) return;
    const input = {
      deploymentId: deployment.id,
      expectedVersion: edited.expectedVersion,
      slug,
      spec,
      active: schedule?.active ?? true,
      catchUp: { policy, ...(schedule ? { max: schedule.catchUp.max, window: schedule.catchUp.window } : {}) },
      ...(schedule?.parameters === null || schedule?.parameters === undefined ? {} : { parameters: schedule.parameters }),
    };
    if (!(await upsert.act({ input }))) return;
    tell("The schedule is saved.");
    onClose();
    onDone();
  };
  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title={schedule ? `Schedule ${schedule.slug}` : "New schedule"}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="FLOWS_WRITE" isBusy={upsert.isBusy} lacks={error || !spec ? "It is not valid yet." : undefined} onClick={() => void save()}>Save the schedule</Button>
        </>
      }
    >
      <Changed edited={edited} />
      {otherRefusals(upsert.refusals, schedule ? [] : ["slug"]).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <div className="form">
        <div className="form-row">
          <SelectField label="Kind" value={draft.kind} choices={KINDS} onChange={(kind) => setDraft({ ...draft, kind })} />
          {!schedule && <TextField label="Name" value={slug} problem={refusalAt(upsert.refusals, "slug")} onChange={setSlug} hint="Small letters, digits and dashes." />}
        </div>
        <SpecFields draft={draft} onDraft={setDraft} problem={error?.message} />
        <SelectField label="When some were missed" value={policy} choices={POLICIES} onChange={setPolicy} />
      </div>
      {preview?.description && (
        <section className="grid gap-2" aria-live="polite">
          <h2>What that means</h2>
          <strong><ScheduleWords description={preview.description} /></strong>
          <Fires fires={preview.fires} timezone={preview.timezone ?? draft.timezone} />
        </section>
      )}
    </Dialog>
  );
}

function SpecFields({ draft, onDraft, problem }: { draft: SpecDraft; onDraft: (draft: SpecDraft) => void; problem: string | undefined }) {
  const zone = <TextField label="Time zone" list="zones" value={draft.timezone} onChange={(timezone) => onDraft({ ...draft, timezone })} />;
  const zones = (
    <datalist id="zones">
      {Intl.supportedValuesOf("timeZone").map((each) => <option key={each} value={each} />)}
    </datalist>
  );
  if (draft.kind === "cron") {
    return (
      <>
        <div className="form-row">
          <TextField label="Cron" className="mono" spellCheck={false} problem={problem} hint="Minute, hour, day of the month, month, day of the week." value={draft.cron} onChange={(cron) => onDraft({ ...draft, cron })} />
          {zone}
        </div>
        <CheckField label="Either day is enough, where both the day of the month and of the week are said" isOn={draft.dayOr} onChange={(dayOr) => onDraft({ ...draft, dayOr })} />
        {zones}
      </>
    );
  }
  if (draft.kind === "interval") {
    return (
      <div className="form-row">
        <TextField label="Every" inputMode="decimal" className="num" problem={problem} value={draft.every} onChange={(every) => onDraft({ ...draft, every })} />
        <SelectField label="Unit" value={draft.unit} choices={UNITS.map((unit) => ({ value: unit, label: unit }))} onChange={(unit) => onDraft({ ...draft, unit })} />
      </div>
    );
  }
  return (
    <div className="form-row">
      <TextField label="Rule" className="mono" spellCheck={false} problem={problem} value={draft.rrule} onChange={(rrule) => onDraft({ ...draft, rrule })} />
      {zone}
      {zones}
    </div>
  );
}
