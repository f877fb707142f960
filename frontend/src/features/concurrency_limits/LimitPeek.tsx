/** Who holds the slots of a limit, since when, how to take one back, and who waits for one. */
import { useQuery } from "urql";
import { LimitDeleteDocument, LimitHoldersDocument, LimitReleaseDocument, type LimitRowFragment } from "@/generated/graphql";
import { Slots } from "@/features/concurrency_limits/Slots";
import { Waiters } from "@/features/concurrency_limits/Waiters";
import { Who, slotsOf } from "@/features/concurrency_limits/Who";
import { useChanges } from "@/lib/changes";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { ErrorState, Skeleton } from "@/ui/Feedback";
import { Peek } from "@/ui/Peek";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

export interface LimitPeekProps {
  limit: LimitRowFragment;
  onClose: () => void;
  onEdit: () => void;
  onDone: () => void;
}

export function LimitPeek({ limit, onClose, onEdit, onDone }: LimitPeekProps) {
  const workspaceId = useWorkspaceId();
  const [{ data, error }, read] = useQuery({ query: LimitHoldersDocument, variables: { id: limit.id } });
  const again = (): void => read({ requestPolicy: "network-only" });
  useChanges(workspaceId, ["concurrency_limit", "flow_run"], again);
  const release = useAct(LimitReleaseDocument);
  const remove = useAct(LimitDeleteDocument);
  const shown = data?.node && "holders" in data.node ? data.node : undefined;
  const holders = shown?.holders;
  return (
    <Peek title={limit.name} onClose={onClose} actions={<Button needs="FLOWS_WRITE" onClick={onEdit}>Change…</Button>}>
      <Slots name={limit.name} active={limit.active} limit={limit.limit} waiting={limit.waiting} />
      <p className="m-0 text-[13px]">{`${limit.active} of ${limit.limit} taken, ${limit.waiting} waiting.`}</p>
      <section className="grid gap-2">
        <h2>Who holds them</h2>
        {error && !holders && <ErrorState error={error} onRetry={again} />}
        {!holders && !error && <Skeleton rows={3} />}
        {holders?.length === 0 && <p className="faint m-0 text-[13px]">Nobody.</p>}
        <ul className="m-0 grid list-none gap-3 p-0 text-[13px]">
          {holders?.map((holder) => (
            <li key={holder.leaseId} className="grid gap-1">
              <span className="flex flex-wrap items-center gap-2">
                <Who one={holder} />
                <span className="num">{slotsOf(holder.slots)}</span>
              </span>
              <span className="faint">since <Time at={holder.acquiredAt} isRelative />, until <Time at={holder.expiresAt} /> without another word</span>
              <span>
                <ConfirmButton
                  label="Take back…"
                  title="Take the slots back?"
                  verb="Take them back"
                  needs="RUNS_EXECUTE"
                  onConfirm={async () => {
                    if (await release.act({ input: { leaseId: holder.leaseId, ...(workspaceId === undefined ? {} : { workspaceId }) } })) tell("The slots are free.");
                    again();
                    onDone();
                  }}
                >
                  Whoever holds them goes on as if they were still theirs, while others get them too. It is written in the audit log.
                </ConfirmButton>
              </span>
            </li>
          ))}
        </ul>
      </section>
      {shown && <Waiters waiters={shown.waiters} count={shown.waiting} />}
      <span>
        <ConfirmButton
          label="Delete the limit…"
          title={`Delete ${limit.name}?`}
          verb="Delete the limit"
          needs="FLOWS_WRITE"
          onConfirm={async () => {
            if (!(await remove.act({ input: { id: limit.id } }))) return;
            tell(`${limit.name} is deleted.`);
            onClose();
            onDone();
          }}
        >
          What waits for it goes on at once. Code that asks for it strictly fails from now on.
        </ConfirmButton>
      </span>
    </Peek>
  );
}
