/** Why something does not run: each cause, the nearest first, who holds what is waited for, and what would end it. */
import { useState } from "react";
import { useClient } from "urql";
import { type Blocker, holdersOf, readAction } from "@/ui/blockers";
import { Button } from "@/ui/Button";
import { Command } from "@/ui/Copy";
import { Crumb } from "@/ui/Crumb";
import { tell } from "@/ui/toasts";
import { Time } from "@/ui/Time";

export function Blockers({ blockers, onDone }: { blockers: readonly Blocker[]; onDone: () => void }) {
  return (
    <section className="why" aria-label="Why it is not running">
      <h2>Why it is not running</h2>
      <ul className="m-0 grid list-none grid-cols-[minmax(0,1fr)] gap-2 p-0">
        {blockers.map((blocker) => <BlockerRow key={`${blocker.code} ${blocker.message}`} blocker={blocker} onDone={onDone} />)}
      </ul>
    </section>
  );
}

function BlockerRow({ blocker, onDone }: { blocker: Blocker; onDone: () => void }) {
  const holders = holdersOf(blocker);
  return (
    <li className="grid grid-cols-[minmax(0,1fr)] gap-1 text-[13px]">
      <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span>{blocker.message}</span>
        {blocker.since && <span className="faint">since <Time at={blocker.since} /></span>}
        {blocker.queuePosition !== null && blocker.queuePosition !== undefined && blocker.queuePosition > 0 && (
          <span className="faint">{`${blocker.queuePosition.toLocaleString("en")} before it`}</span>
        )}
        {blocker.expectedStart && <span className="faint">probably until <Time at={blocker.expectedStart} /></span>}
        <BlockerAction action={blocker.action} onDone={onDone} />
      </span>
      {holders.length > 0 && (
        <span className="faint">
          held by{" "}
          {holders.map(({ id, name, to, search }, index) => (
            <span key={id}>{index > 0 && ", "}<Crumb to={to} search={search}>{name}</Crumb></span>
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
