/** The states of a run, the newest first, each with who and why. */
import type { RunQuery } from "@/generated/graphql";
import { StateLabel } from "@/ui/StateLabel";
import { Time } from "@/ui/Time";

type States = NonNullable<RunQuery["flowRun"]>["stateHistory"]["nodes"];

export function StateHistory({ states }: { states: States }) {
  return (
    <section className="grid gap-2">
      <h2>States</h2>
      <ol className="m-0 grid list-none gap-2 p-0">
        {[...states].sort((one, other) => other.sequence - one.sequence).map((state) => (
          <li key={state.id} className="grid gap-0.5 text-[13px]">
            <span className="flex items-center justify-between gap-2">
              <StateLabel type={state.type} name={state.name} />
              <Time at={state.timestamp} />
            </span>
            {state.message && <span className="faint">{state.message}</span>}
            {state.actor && <span className="faint">by {state.actor.displayName}</span>}
          </li>
        ))}
      </ol>
    </section>
  );
}
