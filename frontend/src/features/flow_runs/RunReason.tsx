/** Why a run stands as it does: what it says, what it waits for, and what would end that. */
import { useState } from "react";
import { useClient, useQuery } from "urql";
import { RunWhyDocument, type RunWhyQuery } from "@/generated/graphql";
import type { RunShown } from "@/features/flow_runs/RunPage";
import { showDuration, parseDuration } from "@/lib/time";
import { Button } from "@/ui/Button";
import { Command } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

type Blocker = NonNullable<RunWhyQuery["flowRun"]>["whyNotRunning"][number];

const LATE_BECAUSE = {
  CONTROL_PLANE: "Headgate itself was late to hand it out.",
  NO_AGENT: "No agent was there to take it.",
  LIMIT: "A limit kept it back.",
  PAUSED: "It was held back by a pause.",
} as const;

export function RunReason({ run }: { run: RunShown }) {
  const isWaiting = run.state.type === "SCHEDULED" || run.state.type === "PENDING" || run.state.type === "PAUSED";
  return (
    <>
      {run.state.message && <p className="m-0 text-[13px] wrap-anywhere">{run.state.message}</p>}
      {run.cancelRequestedAt && run.state.type === "CANCELLING" && (
        <p className="faint m-0 text-[13px]">Asked to end <Time at={run.cancelRequestedAt} isRelative />.</p>
      )}
      {run.unresponsiveSince && (
        <p className="m-0 text-[13px]">Its process has not been heard of since <Time at={run.unresponsiveSince} />.</p>
      )}
      {run.lateness && run.lateCause && (
        <p className="m-0 text-[13px]">{`${showDuration(parseDuration(run.lateness))} late. ${LATE_BECAUSE[run.lateCause]}`}</p>
      )}
      {run.failureGroup && (
        <p className="m-0 text-[13px]">
          <Crumb to={`/failures/${run.failureGroup.id}`}>{run.failureGroup.exceptionType}</Crumb>
          {` in ${run.failureGroup.runCount.toLocaleString("en")} ${run.failureGroup.runCount === 1 ? "run" : "runs"}`}
        </p>
      )}
      {run.pause?.status === "WAITING" && (
        <p className="m-0 text-[13px]">It waits for an answer. <Crumb to="/approvals" search={{ run: run.id }}>Answer it</Crumb></p>
      )}
      {isWaiting && <WhyNotRunning runId={run.id} stateId={run.state.id} />}
    </>
  );
}

/** Asked for again whenever the run's state is another. */
function WhyNotRunning({ runId, stateId }: { runId: string; stateId: string }) {
  const [{ data }, read] = useQuery({ query: RunWhyDocument, variables: { id: runId }, requestPolicy: "network-only" });
  const blockers = data?.flowRun?.whyNotRunning ?? [];
  if (blockers.length === 0) return null;
  return (
    <section className="why" aria-label="Why it is not running" data-state-id={stateId}>
      <h2>Why it is not running</h2>
      <ul className="m-0 grid list-none gap-2 p-0">
        {blockers.map((blocker) => (
          <BlockerRow key={blocker.code} blocker={blocker} onDone={() => read({ requestPolicy: "network-only" })} />
        ))}
      </ul>
    </section>
  );
}

function BlockerRow({ blocker, onDone }: { blocker: Blocker; onDone: () => void }) {
  return (
    <li className="grid gap-1 text-[13px]">
      <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span>{blocker.message}</span>
        {blocker.since && <span className="faint">since <Time at={blocker.since} /></span>}
        {blocker.queuePosition !== null && blocker.queuePosition !== undefined && blocker.queuePosition > 0 && (
          <span className="faint">{`${blocker.queuePosition.toLocaleString("en")} before it`}</span>
        )}
        {blocker.expectedStart && <span className="faint">probably until <Time at={blocker.expectedStart} /></span>}
        <BlockerAction action={blocker.action} onDone={onDone} />
      </span>
      {blocker.holders.length > 0 && (
        <span className="faint">
          held by{" "}
          {blocker.holders.map((holder, index) => (
            <span key={holder.id}>{index > 0 && ", "}<Crumb to={`/runs/${holder.id}`}>{holder.name}</Crumb></span>
          ))}
        </span>
      )}
    </li>
  );
}

/** What the server says would end it: a mutation with its variables, sent as it is, or a command. */
function BlockerAction({ action, onDone }: { action: unknown; onDone: () => void }) {
  const known = readAction(action);
  const client = useClient();
  const [isBusy, setBusy] = useState(false);
  if (!known) return null;
  const { command, mutation } = known;
  if (command !== undefined) return <Command text={command} />;
  if (mutation === undefined) return null;
  const act = async (): Promise<void> => {
    setBusy(true);
    const { data, error } = await client.mutation<Record<string, { errors?: { message: string }[] }>>(mutation, known.variables).toPromise();
    setBusy(false);
    const refused = error?.message ?? Object.values(data ?? {}).flatMap((payload) => payload.errors ?? [])[0]?.message;
    tell(refused ?? `${known.label}: done.`, { isError: refused !== undefined });
    onDone();
  };
  return <Button className="is-small" isBusy={isBusy} onClick={() => void act()}>{known.label}</Button>;
}

export interface KnownAction {
  label: string;
  mutation?: string;
  variables: Record<string, unknown>;
  command?: string;
}

export function readAction(action: unknown): KnownAction | undefined {
  if (typeof action !== "object" || action === null || !("label" in action) || typeof action.label !== "string") return undefined;
  if ("command" in action && typeof action.command === "string") return { label: action.label, command: action.command, variables: {} };
  if (!("mutation" in action) || typeof action.mutation !== "string") return undefined;
  const variables = "variables" in action && typeof action.variables === "object" && action.variables !== null ? action.variables : {};
  return { label: action.label, mutation: action.mutation, variables: variables as Record<string, unknown> };
}
