/** The states that a call was in, the newest first; the oldest of very many are gone. */
import type { BackgroundTaskQuery } from "@/generated/graphql";
import { StateLabel } from "@/ui/StateLabel";
import { Time } from "@/ui/Time";

type CallState = Extract<NonNullable<BackgroundTaskQuery["node"]>, { __typename: "BackgroundTask" }>["states"][number];

export function States({ states }: { states: readonly CallState[] }) {
  return (
    <section className="grid gap-2">
      <h2>States</h2>
      <ol className="m-0 grid list-none gap-2 p-0 text-[13px]" aria-label="States of the call">
        {states.map((state, place) => (
          <li key={place} className="grid gap-1">
            <span className="flex flex-wrap items-baseline gap-2">
              <StateLabel type={state.type} name={state.name} />
              <span className="faint"><Time at={state.timestamp} /></span>
              {state.epoch > 0 && <span className="faint num">{`attempt ${state.epoch}`}</span>}
            </span>
            {state.message && <span className="wrap-anywhere">{state.message}</span>}
          </li>
        )).reverse()}
      </ol>
    </section>
  );
}
