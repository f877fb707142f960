/** A backfill by a stretch of time: what it would make is shown before it is made. */
import { useState } from "react";
import { BackfillCreateDocument, type BackfillCreateInput, type BackfillCreateMutation, type DeploymentDetailFragment } from "@/generated/graphql";
import { draftOf, specOf } from "@/features/deployments/specs";
import { localZone } from "@/lib/time";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { CheckField, SelectField, TextField } from "@/ui/fields";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

type Plan = BackfillCreateMutation["backfillCreate"];

const DAY_MS = 86_400_000;
const MOST_SHOWN = 200;

/** As the fields for a local time take it. */
function localText(at: Date): string {
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

export function BackfillForm({ deployment, onClose, onDone }: { deployment: DeploymentDetailFragment; onClose: () => void; onDone: () => void }) {
  const [schedule, setSchedule] = useState(deployment.schedules[0]?.id ?? "");
  const [since, setSince] = useState(() => localText(new Date(Date.now() - 7 * DAY_MS)));
  const [until, setUntil] = useState(() => localText(new Date()));
  const [parameter, setParameter] = useState("");
  const [parallelism, setParallelism] = useState("1");
  const [isDescending, setDescending] = useState(false);
  const [plan, setPlan] = useState<Plan>();
  const create = useAct(BackfillCreateDocument, { isQuiet: true });
  const of = deployment.schedules.find(({ id }) => id === schedule);
  const spec = of && specOf(draftOf(of));
  const input = (dryRun: boolean): BackfillCreateInput | undefined => {
    const [from, to] = [new Date(since), new Date(until)];
    if (!spec || Number.isNaN(from.getTime()) || Number.isNaN(to.getTime())) return undefined;
    return {
      deploymentId: deployment.id,
      range: { spec, since: from.toISOString(), until: to.toISOString() },
      parallelism: Number(parallelism) || 1,
      descending: isDescending,
      dryRun,
      ...(parameter === "" ? {} : { instantParameter: parameter }),
    };
  };
  const ask = async (isDry: boolean): Promise<void> => {
    const asked = input(isDry);
    if (!asked) return;
    const payload = await create.act({ input: asked });
    if (!payload) return;
    if (isDry) return setPlan(payload);
    tell(`${payload.itemCount?.toLocaleString("en") ?? ""} runs are made, ${parallelism} at a time.`);
    onClose();
    onDone();
  };
  const change = <Value,>(set: (value: Value) => void) => (value: Value): void => {
    set(value);
    setPlan(undefined);
  };
  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title="Plan a backfill"
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button lacks={spec ? undefined : "It has no schedule to go by."} isBusy={create.isBusy} onClick={() => void ask(true)}>Show what it would make</Button>
          <Button isPrimary needs="RUNS_WRITE" lacks={plan ? undefined : "Look at the plan first."} isBusy={create.isBusy} onClick={() => void ask(false)}>
            {plan ? `Make ${plan.itemCount?.toLocaleString("en") ?? ""} runs` : "Make the runs"}
          </Button>
        </>
      }
    >
      {create.refusals.map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      {deployment.schedules.length === 0 ? (
        <p className="m-0">The deployment has no schedule that says which runs are missing. Give it one first; it may be paused.</p>
      ) : (
        <div className="form">
          <SelectField label="By the schedule" value={schedule} choices={deployment.schedules.map(({ id, description }) => ({ value: id, label: description }))} onChange={change(setSchedule)} />
          <div className="form-row">
            <TextField label="From" type="datetime-local" hint={`The clock of ${localZone()}.`} value={since} onChange={change(setSince)} />
            <TextField label="Until before" type="datetime-local" hint={`The clock of ${localZone()}.`} value={until} onChange={change(setUntil)} />
          </div>
          <div className="form-row">
            <TextField label="Parameter that gets the time" hint="None, where it is left empty." value={parameter} onChange={change(setParameter)} />
            <TextField label="At once" inputMode="numeric" className="num" value={parallelism} onChange={change(setParallelism)} />
          </div>
          <CheckField label="The latest first" isOn={isDescending} onChange={change(setDescending)} />
        </div>
      )}
      {plan && (
        <section className="grid gap-2" aria-live="polite">
          <h2>{`${plan.itemCount?.toLocaleString("en") ?? 0} runs`}</h2>
          <ul className="plan" aria-label="Runs that would be made">
            {plan.items.slice(0, MOST_SHOWN).map((item) => <li key={item.position} className="tag"><Time at={item.instant} /></li>)}
          </ul>
          {plan.items.length > MOST_SHOWN && <p className="faint m-0">{`and ${plan.items.length - MOST_SHOWN} more`}</p>}
        </section>
      )}
    </Dialog>
  );
}
