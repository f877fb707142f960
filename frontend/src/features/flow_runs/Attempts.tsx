/** The attempts of a run: when each ran, where, and how it ended. */
import type { RunShown } from "@/features/flow_runs/RunPage";
import { Crumb } from "@/ui/Crumb";
import { EmptyState } from "@/ui/Feedback";
import { Duration, Time } from "@/ui/Time";

export function Attempts({ attempts }: { attempts: RunShown["attempts"] }) {
  if (attempts.length === 0) return <EmptyState title="It has not been attempted yet." />;
  return (
    <table className="table" aria-label="Attempts">
      <thead>
        <tr>
          <th scope="col" className="is-number">Attempt</th>
          <th scope="col">Agent</th>
          <th scope="col">Start</th>
          <th scope="col" className="is-number">Duration</th>
          <th scope="col">Ended as</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map((attempt) => (
          <tr key={`${attempt.number}.${attempt.epoch}`}>
            <td className="is-number num">{attempt.number}</td>
            <td>{attempt.agent ? <Crumb to={`/agents/${attempt.agent.id}`}>{attempt.agent.name}</Crumb> : <span className="faint">–</span>}</td>
            <td><Time at={attempt.startedAt} /></td>
            <td className="is-number"><Duration startedAt={attempt.startedAt} endedAt={attempt.endedAt} /></td>
            <td>{attempt.outcome ?? <span className="faint">–</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
