/** A short list of runs under a title. */
import type { NowRunFragment } from "@/generated/graphql";
import { Crumb } from "@/ui/Crumb";
import { StateLabel } from "@/ui/StateLabel";
import { Duration, Time } from "@/ui/Time";

export interface LanesProps {
  title: string;
  empty: string;
  runs: readonly NowRunFragment[];
  hasReason?: boolean;
}

export function Lanes({ title, empty, runs, hasReason = false }: LanesProps) {
  return (
    <section className="now-part">
      <h2>{title}</h2>
      {runs.length === 0 && <p className="now-nothing">{empty}</p>}
      <table className="table" aria-label={title}>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td className="now-state">
                <StateLabel type={run.state.type} name={run.state.name} />
              </td>
              <td>
                <Crumb to={`/runs/${run.id}`}>{run.name}</Crumb>
                {hasReason && run.state.message && <span className="faint" title={run.state.message}> {run.state.message}</span>}
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
