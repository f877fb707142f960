/** One call of a task: how it stands, why it waits, what it was called with, what came of it, and what it logged. */
import { useQuery, useSubscription } from "urql";
import { BackgroundTaskCancelDocument, BackgroundTaskDocument, type BackgroundTaskQuery, BackgroundTaskRetryDocument, BackgroundTaskUpdatesDocument } from "@/generated/graphql";
import { States } from "@/features/background_tasks/States";
import { useHolds } from "@/lib/scopes";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Blockers } from "@/ui/Blockers";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { Id } from "@/ui/Copy";
import { Fact } from "@/ui/Fact";
import { ErrorState, Lacks, Skeleton } from "@/ui/Feedback";
import { JsonView } from "@/ui/JsonView";
import { Peek } from "@/ui/Peek";
import { StateLabel } from "@/ui/StateLabel";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

type Call = Extract<NonNullable<BackgroundTaskQuery["node"]>, { __typename: "BackgroundTask" }>;

export function BackgroundTaskPeek({ id, onClose, onDone }: { id: string; onClose: () => void; onDone: () => void }) {
  const workspaceId = useWorkspaceId();
  const withLogs = useHolds("LOGS_READ");
  const [{ data, error }, read] = useQuery({ query: BackgroundTaskDocument, variables: { id, withLogs: withLogs ?? false }, pause: withLogs === undefined, requestPolicy: "cache-and-network" });
  const again = (): void => read({ requestPolicy: "network-only" });
  const changed = (): void => {
    again();
    onDone();
  };
  useSubscription({ query: BackgroundTaskUpdatesDocument, variables: { workspaceId: workspaceId ?? "", id }, pause: workspaceId === undefined }, (before, update) => {
    if (before !== undefined) changed();
    return update;
  });
  const call = data?.node?.__typename === "BackgroundTask" ? data.node : undefined;
  return (
    <Peek title={call?.name ?? "Background task"} onClose={onClose} actions={call && workspaceId !== undefined && <Actions call={call} workspaceId={workspaceId} onDone={changed} />}>
      {error && !call && <ErrorState error={error} onRetry={again} />}
      {!data && !error && <Skeleton rows={5} />}
      {data && !call && <p className="faint m-0 text-[13px]">There is no such call, or you may not see it.</p>}
      {call && <CallView call={call} onDone={changed} />}
    </Peek>
  );
}

function Actions({ call, workspaceId, onDone }: { call: Call; workspaceId: string; onDone: () => void }) {
  const cancel = useAct(BackgroundTaskCancelDocument);
  const retry = useAct(BackgroundTaskRetryDocument);
  const input = { workspaceId, id: call.id };
  if (call.endedAt) {
    const queueAgain = async (): Promise<void> => {
      if (await retry.act({ input })) tell("It waits for a worker again.");
      onDone();
    };
    return <Button needs="RUNS_WRITE" isBusy={retry.isBusy} onClick={() => void queueAgain()}>Queue again</Button>;
  }
  return (
    <ConfirmButton
      label="Cancel…"
      title="Cancel the call?"
      verb="Cancel it"
      needs="RUNS_WRITE"
      onConfirm={async () => {
        if (await cancel.act({ input })) tell("It is to stop.");
        onDone();
      }}
    >
      It never runs, or the worker that runs it is asked to stop it.
    </ConfirmButton>
  );
}

function CallView({ call, onDone }: { call: Call; onDone: () => void }) {
  return (
    <>
      <span><StateLabel type={call.stateType} name={call.stateName} /></span>
      {call.message && <p className="m-0 text-[13px] wrap-anywhere">{call.message}</p>}
      {call.cancelRequestedAt && !call.endedAt && <p className="faint m-0 text-[13px]">Asked to stop <Time at={call.cancelRequestedAt} isRelative />.</p>}
      {call.whyNotRunning.length > 0 && <Blockers blockers={call.whyNotRunning} onDone={onDone} />}
      <dl className="facts">
        <Fact name="Id"><Id id={call.id} /></Fact>
        <Fact name="Task"><code>{call.taskKey}</code></Fact>
        <Fact name="Queued by">{call.createdBy.displayName}</Fact>
        <Fact name="Queued"><Time at={call.createdAt} /></Fact>
        {call.dueAt > call.createdAt && <Fact name="Due"><Time at={call.dueAt} /></Fact>}
        <Fact name="Started"><Time at={call.startedAt} /></Fact>
        <Fact name="Ended"><Time at={call.endedAt} /></Fact>
        <Fact name="Taken"><span className="num">{`${call.epoch} ${call.epoch === 1 ? "time" : "times"}`}</span>{call.losses > 0 && <span className="num">{`, ${call.losses} lost`}</span>}</Fact>
        {call.priority !== 0 && <Fact name="Priority"><span className="num">{call.priority}</span></Fact>}
        {call.tags.length > 0 && <Fact name="Tags">{call.tags.map((tag) => <span key={tag} className="tag mr-1">{tag}</span>)}</Fact>}
      </dl>
      <section className="grid gap-2">
        <h2>Called with</h2>
        <JsonView value={call.parameters} label="Parameters" />
      </section>
      {call.result !== null && call.result !== undefined && (
        <section className="grid gap-2">
          <h2>What came of it</h2>
          <JsonView value={call.result} label="Result" />
        </section>
      )}
      <States states={call.states} />
      <section className="grid gap-2">
        <h2>Log</h2>
        <Lines call={call} />
      </section>
    </>
  );
}

function Lines({ call }: { call: Call }) {
  if (!call.logs) return <Lacks needs="LOGS_READ" />;
  const { nodes, totalCount } = call.logs;
  return (
    <>
      {nodes.length === 0 ? <p className="faint m-0 text-[13px]">It logged nothing.</p> : <pre className="command m-0 max-h-96 text-[13px]" tabIndex={0} role="region" aria-label="Log of the call">{nodes.map(({ message }) => message).join("\n")}</pre>}
      {totalCount.value > nodes.length && <p className="faint m-0 text-[13px]">{`The first ${nodes.length} of ${totalCount.value.toLocaleString("en")} lines.`}</p>}
    </>
  );
}
