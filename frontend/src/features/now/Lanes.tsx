/** A short list of runs under a title. */
import { Link } from "@tanstack/react-router";
import type { NowRunFragment } from "@/generated/graphql";
import { StateLabel } from "@/ui/StateLabel";
import { Duration, Time } from "@/ui/Time";

export interface LanesProps {
  title: string;
  empty: string;
  runs: readonly NowRunFragment[];
  place: { organization: string; workspace: string };
  hasReason?: boolean;
}

export function Lanes({ title, empty, runs, place, hasReason = false }: LanesProps) {
  return (
    <section className="min-w-0 border-b border-r border-(--hairline) pb-4">
      <h2 className="px-5 pt-4 pb-2">{title}</h2>
      {runs.length === 0 && <p className="faint m-0 px-5 text-[13px]">{empty}</p>}
      <table className="table">
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td>
                <StateLabel type={run.state.type} name={run.state.name} />
              </td>
              <td>
                <Link to="/$organization/$workspace/runs/$run" params={{ ...place, run: run.id }}>{run.name}</Link>
                {hasReason && run.state.message && <span className="faint"> {run.state.message}</span>}
              </td>
              <td className="faint max-md:hidden">{run.flow.name}</td>
              <td className="is-number">
                {run.startedAt ? (
                  <Duration length={run.duration} startedAt={run.startedAt} endedAt={run.endedAt} />
                ) : (
                  <Time at={run.expectedStart} isRelative />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
