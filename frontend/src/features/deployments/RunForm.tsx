/** A run of a deployment, now or later, with parameters by its schema. */
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type DeploymentDetailFragment, DeploymentRunDocument } from "@/generated/graphql";
import { commandOf } from "@/features/deployments/command";
import { usePlace } from "@/lib/place";
import { localZone } from "@/lib/time";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Command } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/fields";
import { refusedAt } from "@/ui/schema/problems";
import { SchemaForm } from "@/ui/schema/SchemaForm";
import { asSchema } from "@/ui/schema/schemas";
import { useSchemaForm } from "@/ui/schema/useSchemaForm";
import { TagsField } from "@/ui/TagsField";
import { tell } from "@/ui/toasts";

const ANY_OBJECT = { type: "object", additionalProperties: true };

export function RunForm({ deployment, onClose }: { deployment: DeploymentDetailFragment; onClose: () => void }) {
  const place = usePlace();
  const navigate = useNavigate();
  const workspaceId = useWorkspaceId();
  const form = useSchemaForm(asSchema(deployment.parameterSchema ?? ANY_OBJECT), deployment.parameters);
  const [name, setName] = useState("");
  const [start, setStart] = useState("");
  const [tags, setTags] = useState<readonly string[]>([]);
  const [isAsked, setAsked] = useState(false);
  const run = useAct(DeploymentRunDocument, { isQuiet: true });
  const startsAt = start === "" ? undefined : new Date(start);
  const isLater = startsAt !== undefined;
  const isTime = startsAt === undefined || !Number.isNaN(startsAt.getTime());
  const submit = async (): Promise<void> => {
    setAsked(true);
    if (form.problems.size > 0 || !isTime || workspaceId === undefined) return;
    const payload = await run.act({
      input: {
        workspaceId,
        deploymentId: deployment.id,
        parameters: form.value,
        ...(tags.length > 0 ? { tags: [...tags] } : {}),
        ...(name === "" ? {} : { name }),
        ...(startsAt ? { expectedStart: startsAt.toISOString() } : {}),
      },
    });
    if (!payload?.flowRun) return;
    tell(isLater ? "The run is scheduled." : "The run is made.");
    void navigate({ to: "/$organization/$workspace/runs/$run", params: { ...place, run: payload.flowRun.id } });
  };
  const elsewhere = run.refusals.filter(({ path }) => path?.[0] !== "parameters");
  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title={`Run ${deployment.name}`}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="RUNS_WRITE" isBusy={run.isBusy} onClick={() => void submit()}>{isLater ? "Schedule it" : "Run it"}</Button>
        </>
      }
    >
      {elsewhere.map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <SchemaForm form={form} label="Parameters" isAsked={isAsked} refused={refusedAt(run.refusals, "parameters")} />
      <details>
        <summary className="cursor-pointer text-[13px]">Name, time and tags</summary>
        <div className="form mt-3">
          <TextField label="Name" hint="Made up where it is left empty." value={name} onChange={setName} />
          <TextField label="Start" type="datetime-local" hint={`Now, where it is left empty. The clock of ${localZone()}.`} problem={isTime ? undefined : "This is not a time."} value={start} onChange={setStart} />
          <TagsField label="Tags" hint="Enter adds one." tags={tags} onChange={setTags} />
        </div>
      </details>
      <details>
        <summary className="cursor-pointer text-[13px]">The same as a command</summary>
        <div className="mt-3"><Command text={commandOf(`${deployment.flow.name}/${deployment.name}`, form.value)} /></div>
      </details>
    </Dialog>
  );
}
