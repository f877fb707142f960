/** The same deployment once more, with parameters that can be changed first. */
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { RunAgainDocument, RunAgainFormDocument, type RunAgainFormQuery } from "@/generated/graphql";
import { usePlace } from "@/lib/place";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { EmptyState, ErrorState, Skeleton } from "@/ui/Feedback";
import { refusedAt } from "@/ui/schema/problems";
import { SchemaForm } from "@/ui/schema/SchemaForm";
import { asSchema } from "@/ui/schema/schemas";
import { useSchemaForm } from "@/ui/schema/useSchemaForm";
import { TagsField } from "@/ui/TagsField";
import { tell } from "@/ui/toasts";

type Asked = NonNullable<RunAgainFormQuery["flowRun"]>;

export function RunAgain({ runId, onClose }: { runId: string; onClose: () => void }) {
  const [{ data, error }, read] = useQuery({ query: RunAgainFormDocument, variables: { id: runId }, requestPolicy: "network-only" });
  const run = data?.flowRun;
  if (run?.deployment) return <Form run={run} deployment={run.deployment} onClose={onClose} />;
  return (
    <Dialog isOpen isWide onClose={onClose} title="Run again">
      {error && !run && <ErrorState error={error} onRetry={() => read({ requestPolicy: "network-only" })} />}
      {!run && !error && <Skeleton rows={4} />}
      {run && <EmptyState title="This run has no deployment: it was called in somebody's own process, and is run again there." />}
    </Dialog>
  );
}

function Form({ run, deployment, onClose }: { run: Asked; deployment: NonNullable<Asked["deployment"]>; onClose: () => void }) {
  const place = usePlace();
  const navigate = useNavigate();
  const workspaceId = useWorkspaceId();
  const form = useSchemaForm(asSchema(deployment.parameterSchema ?? { type: "object" }), run.parameters);
  const [tags, setTags] = useState<readonly string[]>(run.tags);
  const [isAsked, setAsked] = useState(false);
  const again = useAct(RunAgainDocument, { isQuiet: true });
  const start = async (): Promise<void> => {
    setAsked(true);
    if (form.problems.size > 0 || workspaceId === undefined) return;
    const payload = await again.act({ input: { workspaceId, deploymentId: deployment.id, parameters: form.value, tags: [...tags] } });
    if (!payload?.flowRun) return;
    tell("The run is made.");
    onClose();
    void navigate({ to: "/$organization/$workspace/runs/$run", params: { ...place, run: payload.flowRun.id } });
  };
  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title={`Run ${deployment.name} again`}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="RUNS_WRITE" isBusy={again.isBusy} onClick={() => void start()}>Run it</Button>
        </>
      }
    >
      {again.refusals.filter(({ path }) => path?.[0] !== "parameters").map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <SchemaForm form={form} label="Parameters" isAsked={isAsked} refused={refusedAt(again.refusals, "parameters")} />
      <TagsField label="Tags" tags={tags} onChange={setTags} />
    </Dialog>
  );
}
