/** What can be changed of a deployment without deploying it again. */
import { useState } from "react";
import { useQuery } from "urql";
import { DeploymentChangeDocument, type DeploymentDetailFragment, DeploymentPlacesDocument } from "@/generated/graphql";
import { changesOf, type Written, writtenOf } from "@/features/deployments/changes";
import { COLLISIONS } from "@/features/deployments/collisions";
import { useHeld } from "@/lib/edited";
import { readJson } from "@/lib/json";
import { usePlace } from "@/lib/place";
import { useWorkspaceId } from "@/lib/workspace";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { AreaField, CheckField, type Choice, SelectField, TextField } from "@/ui/fields";
import { refusedAt } from "@/ui/schema/problems";
import { SchemaForm } from "@/ui/schema/SchemaForm";
import { asSchema, isRecord } from "@/ui/schema/schemas";
import { useSchemaForm } from "@/ui/schema/useSchemaForm";
import { TagsField } from "@/ui/TagsField";
import { tell } from "@/ui/toasts";

const FIELDS = ["description", "tags", "concurrencyLimit", "onCollision", "collisionParameter", "workPoolName", "workQueueName", "jobVariables", "parameters"];
const ANY_OBJECT = { type: "object", additionalProperties: true };
const POLICIES = ["ENQUEUE", "CANCEL_NEW", "CANCEL_OLD", "COALESCE"] as const;

export function DeploymentForm({ current, onSaved }: { current: DeploymentDetailFragment; onSaved: () => void }) {
  const held = useHeld(current);
  return (
    <section className="grid gap-3" aria-label="What can be changed">
      <h2>What can be changed</h2>
      <Changed edited={held} onTake={held.release} />
      {/* Tags and the form of the parameters have buttons, too: whoever presses one has begun. */}
      <div onInput={held.hold} onClick={held.hold}>
        <Fields
          key={held.shown.version}
          deployment={held.shown}
          expectedVersion={held.expectedVersion}
          onSaved={() => {
            held.release();
            onSaved();
          }}
        />
      </div>
    </section>
  );
}

interface FieldsProps {
  deployment: DeploymentDetailFragment;
  expectedVersion: number;
  onSaved: () => void;
}

function Fields({ deployment, expectedVersion, onSaved }: FieldsProps) {
  const workspaceId = useWorkspaceId();
  const schema = asSchema(deployment.parameterSchema ?? ANY_OBJECT);
  // Defaults may leave out what each run has to be given.
  const form = useSchemaForm({ ...schema, required: [] }, deployment.parameters);
  const [before] = useState<Written>(() => ({ ...writtenOf(deployment), parameters: form.value }));
  const [written, setWritten] = useState(before);
  const [variables, setVariables] = useState(() => JSON.stringify(deployment.jobVariables ?? {}, null, 2));
  const [isAsked, setAsked] = useState(false);
  const change = useAct(DeploymentChangeDocument, { isQuiet: true });
  const set = (part: Partial<Written>): void => setWritten((now) => ({ ...now, ...part }));
  const refused = (field: string): string | undefined => refusalAt(change.refusals, field);
  const read = readJson(variables);
  const variablesProblem = read.problem ?? (isRecord(read.value) ? undefined : "It is an object.");
  const changes = changesOf(before, { ...written, jobVariables: variablesProblem === undefined ? read.value : before.jobVariables, parameters: form.value }, deployment.parameters);
  const isNew = Object.keys(changes).length > 0;
  const lacks = !/^\d*$/.test(written.limit.trim()) ? "The limit is a whole number." : variablesProblem ? "Mend the job variables first." : !isNew && form.broken === undefined ? "Nothing is changed." : undefined;
  const save = async (): Promise<void> => {
    setAsked(true);
    if (workspaceId === undefined || form.broken !== undefined || ("parameters" in changes && form.problems.size > 0)) return;
    if (!(await change.act({ input: { workspaceId, flowName: deployment.flow.name, name: deployment.name, expectedVersion, ...changes } }))) return;
    tell(`${deployment.name} is changed.`);
    onSaved();
  };
  return (
    <div className="form">
      {otherRefusals(change.refusals, FIELDS).map(({ message }) => <p key={message} role="alert" className="field-problem m-0">{message}</p>)}
      <AreaField label="Description" hint="Markdown." value={written.description} problem={refused("description")} onChange={(description) => set({ description })} />
      <TagsField label="Tags" hint="Enter adds one." tags={written.tags} onChange={(tags) => set({ tags })} />
      {refused("tags") && <p className="field-problem m-0">{refused("tags")}</p>}
      <CheckField label="Paused" hint="Its schedules make no runs, and those that wait are kept back, until it is resumed." isOn={written.paused} onChange={(paused) => set({ paused })} />
      <Limit written={written} refused={refused} onChange={set} />
      <Place written={written} refused={refused} onChange={set} />
      <AreaField label="Job variables" hint="An object that changes the pool's template." className="mono" spellCheck={false} value={variables} problem={variablesProblem ?? refused("jobVariables")} onChange={setVariables} />
      <h3>What its runs get, where nothing else is said</h3>
      <SchemaForm form={form} label="Parameters" isAsked={isAsked} refused={refusedAt(change.refusals, "parameters")} />
      <CheckField label="Refuse runs whose parameters do not fit the schema" isOn={written.enforceParameterSchema} isDisabled={!deployment.parameterSchema} hint={deployment.parameterSchema ? undefined : "It has no schema."} onChange={(enforceParameterSchema) => set({ enforceParameterSchema })} />
      <span><Button isPrimary needs="FLOWS_WRITE" isBusy={change.isBusy} lacks={lacks} onClick={() => void save()}>Save</Button></span>
    </div>
  );
}

interface PartProps {
  written: Written;
  refused: (field: string) => string | undefined;
  onChange: (part: Partial<Written>) => void;
}

function Limit({ written, refused, onChange }: PartProps) {
  const isLimited = written.limit.trim() !== "";
  return (
    <div className="form-row">
      <TextField label="At once" hint="How many of its runs; empty is no limit." inputMode="numeric" className="num" value={written.limit} problem={refused("concurrencyLimit")} onChange={(limit) => onChange({ limit })} />
      {isLimited && <SelectField label="When there is one more" value={written.onCollision} problem={refused("onCollision")} choices={POLICIES.map((value) => ({ value, label: COLLISIONS[value] }))} onChange={(onCollision) => onChange({ onCollision })} />}
      {isLimited && written.onCollision === "COALESCE" && <TextField label="One for each" hint="A parameter's name; empty is one for all." className="mono" value={written.collisionParameter} problem={refused("collisionParameter")} onChange={(collisionParameter) => onChange({ collisionParameter })} />}
    </div>
  );
}

/** Names that are not among those that can be read stay as they are. */
function choicesOf(names: readonly string[], chosen: string, none: string): Choice[] {
  const all = chosen === "" || names.includes(chosen) ? names : [chosen, ...names];
  return [{ value: "", label: none }, ...all.map((name) => ({ value: name, label: name }))];
}

function Place({ written, refused, onChange }: PartProps) {
  const [{ data }] = useQuery({ query: DeploymentPlacesDocument, variables: usePlace() });
  const pools = data?.workspace?.workPools.nodes ?? [];
  const queues = pools.find(({ name }) => name === written.workPoolName)?.queues ?? [];
  return (
    <div className="form-row">
      <SelectField label="Work pool" value={written.workPoolName} problem={refused("workPoolName")} choices={choicesOf(pools.map(({ name }) => name), written.workPoolName, "none: only its own process runs it")} onChange={(workPoolName) => onChange({ workPoolName, workQueueName: "" })} />
      {written.workPoolName !== "" && <SelectField label="Queue" value={written.workQueueName} problem={refused("workQueueName")} choices={choicesOf(queues.map(({ name }) => name), written.workQueueName, "the pool's own")} onChange={(workQueueName) => onChange({ workQueueName })} />}
    </div>
  );
}
