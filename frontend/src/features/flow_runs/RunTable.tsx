/** Rows of runs: state, name, where from, when, how long. */
import { Link } from "@tanstack/react-router";
import type { RunRowFragment } from "@/generated/graphql";
import { StateLabel } from "@/ui/StateLabel";
import { Duration, Time } from "@/ui/Time";

export interface RunTableProps {
  runs: readonly RunRowFragment[];
  place: { organization: string; workspace: string };
}

export function RunTable({ runs, place }: RunTableProps) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Run</th>
          <th scope="col" className="max-md:hidden">Flow</th>
          <th scope="col" className="max-md:hidden">Deployment</th>
          <th scope="col">Start</th>
          <th scope="col" className="is-number">Duration</th>
          <th scope="col" className="max-lg:hidden">Tags</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <td>
              <StateLabel type={run.state.type} name={run.state.name} />
            </td>
            <td>
              <Link to="/$organization/$workspace/runs/$run" params={{ ...place, run: run.id }}>
                {run.name}
              </Link>
            </td>
            <td className="max-md:hidden">{run.flow.name}</td>
            <td className="max-md:hidden">{run.deployment?.name ?? <span className="faint">–</span>}</td>
            <td>
              <Time at={run.startedAt ?? run.expectedStart} />
            </td>
            <td className="is-number">
              <Duration length={run.duration} startedAt={run.startedAt} endedAt={run.endedAt} />
            </td>
            <td className="max-lg:hidden">
              {run.tags.map((tag) => (
                <span className="tag mr-1" key={tag}>{tag}</span>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
