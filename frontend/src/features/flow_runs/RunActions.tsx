/** What can be done with a run now. */
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { RunCancelDocument, RunDeleteDocument, RunRetryDocument } from "@/generated/graphql";
import { MarkRun } from "@/features/flow_runs/MarkRun";
import { PauseRun } from "@/features/flow_runs/PauseRun";
import { RetryRun } from "@/features/flow_runs/RetryRun";
import { RunAgain } from "@/features/flow_runs/RunAgain";
import type { RunShown } from "@/features/flow_runs/RunPage";
import { usePlace } from "@/lib/place";
import { useLack } from "@/lib/scopes";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { useKey } from "@/ui/keys";
import { Menu, type MenuEntry } from "@/ui/Menu";
import { hasEnded } from "@/ui/states";
import { tell } from "@/ui/toasts";

const UNWELL = new Set(["FAILED", "CRASHED", "CANCELLED"]);

type Asked = "cancel" | "force" | "retry" | "from-failed" | "retry-with" | "pause" | "mark" | "again" | "delete";

export function RunActions({ run, onDone }: { run: RunShown; onDone: () => void }) {
  const place = usePlace();
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Asked>();
  const cancel = useAct(RunCancelDocument);
  const retry = useAct(RunRetryDocument);
  const remove = useAct(RunDeleteDocument);
  const isOver = hasEnded(run.state.type);
  const isUnwell = UNWELL.has(run.state.type);
  const close = (): void => setAsked(undefined);
  const toRuns = (): void => void navigate({ to: "/$organization/$workspace/runs", params: place });
  const mayAct = useLack("RUNS_WRITE") === undefined;
  useKey("r", mayAct && run.deployment ? () => setAsked("again") : undefined);
  useKey("R", mayAct && isOver ? () => setAsked("retry") : undefined);
  useKey("C", mayAct && !isOver ? () => setAsked("cancel") : undefined);
  const entries: MenuEntry[] = [
    { label: "Run again…", needs: "RUNS_WRITE", hint: "r", lacks: run.deployment ? undefined : "It has no deployment.", onSelect: () => setAsked("again") },
    ...(isUnwell ? [{ label: "Retry from failed…", needs: "RUNS_WRITE", onSelect: () => setAsked("from-failed") } as const] : []),
    ...(isOver && !isUnwell ? [{ label: "Retry…", needs: "RUNS_WRITE", onSelect: () => setAsked("retry") } as const] : []),
    ...(isOver ? [{ label: "Retry with…", needs: "RUNS_WRITE", onSelect: () => setAsked("retry-with") } as const] : []),
    ...(isOver ? [{ label: "Mark as…", needs: "RUNS_WRITE", onSelect: () => setAsked("mark") } as const] : []),
    { label: "Compare with another…", onSelect: () => void navigate({ to: `/${place.organization}/${place.workspace}/runs/${run.id}/compare` }) },
    ...(run.state.type === "CANCELLING" ? [{ label: "End it now…", needs: "RUNS_WRITE", isDanger: true, onSelect: () => setAsked("force") } as const] : []),
    { label: "Delete…", needs: "RUNS_WRITE", isDanger: true, lacks: isOver ? undefined : "It has not ended.", onSelect: () => setAsked("delete") },
  ];
  return (
    <>
      {isUnwell && <Button isPrimary needs="RUNS_WRITE" onClick={() => setAsked("retry")}>Retry</Button>}
      {run.state.type === "RUNNING" && <Button needs="RUNS_WRITE" onClick={() => setAsked("pause")}>Pause…</Button>}
      {!isOver && (
        <Button needs="RUNS_WRITE" lacks={run.state.type === "CANCELLING" ? "It is being cancelled." : undefined} onClick={() => setAsked("cancel")}>Cancel</Button>
      )}
      <Menu label="⋯" name="More to do" entries={entries} />
      <Confirm
        isOpen={asked === "cancel" || asked === "force"}
        onClose={close}
        title={asked === "force" ? "End it now?" : "Cancel this run?"}
        verb={asked === "force" ? "End it now" : "Cancel the run"}
        onConfirm={async () => {
          if (await cancel.act({ input: { id: run.id, force: asked === "force" } })) tell("The run is asked to end.");
          onDone();
        }}
      >
        {asked === "force" ? "The run is ended whatever its process does; what the process still does is not heard." : "Its process is asked to end and has 30 seconds for that; then it is stopped."}
      </Confirm>
      <Confirm
        isOpen={asked === "retry"}
        onClose={close}
        title="Retry this run?"
        verb="Retry the run"
        isDanger={false}
        onConfirm={async () => {
          if (await retry.act({ input: { id: run.id } })) tell("The run starts again.");
          onDone();
        }}
      >
        Everything in it is done again, with the same parameters, under the same id.
      </Confirm>
      <Confirm
        isOpen={asked === "delete"}
        onClose={close}
        title="Delete this run?"
        verb="Delete the run"
        onConfirm={async () => {
          if (!(await remove.act({ input: { id: run.id } }))) return;
          tell(`${run.name} is deleted.`);
          toRuns();
        }}
      >
        The run, its states and its log are gone for good. Artifacts stay.
      </Confirm>
      {asked === "pause" && <PauseRun runId={run.id} hasDeployment={Boolean(run.deployment)} onClose={close} onDone={onDone} />}
      {asked === "mark" && <MarkRun run={run} onClose={close} onDone={onDone} />}
      {(asked === "from-failed" || asked === "retry-with") && (
        <RetryRun runId={run.id} isUnwell={isUnwell} first={isUnwell ? "failed" : "whole"} hasParameters={asked === "retry-with"} onClose={close} onDone={onDone} />
      )}
      {asked === "again" && <RunAgain runId={run.id} onClose={close} />}
    </>
  );
}
