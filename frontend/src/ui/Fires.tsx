/** What a schedule fires next: by the clock of its zone, by that of the browser, and how far off. */
import { localZone, showWallClock } from "@/lib/time";
import { Time } from "@/ui/Time";

export interface Fire {
  at: string;
  wallClock: string;
  note?: string | null | undefined;
}

export function Fires({ fires, timezone }: { fires: readonly Fire[]; timezone: string }) {
  const here = localZone();
  if (fires.length === 0) return <p className="faint m-0 text-[13px]">It fires no more.</p>;
  return (
    <table className="table fires" aria-label="Next fires">
      <thead>
        <tr>
          <th scope="col">{`In ${timezone}`}</th>
          {here !== timezone && <th scope="col">{`In ${here}`}</th>}
          <th scope="col" className="is-number">From now</th>
        </tr>
      </thead>
      <tbody>
        {fires.map((fire) => (
          <tr key={fire.at}>
            <td className="num">{showWallClock(fire.wallClock, new Date())}{fire.note && <span className="tag ml-2">{fire.note}</span>}</td>
            {here !== timezone && <td><Time at={fire.at} /></td>}
            <td className="is-number"><Time at={fire.at} isRelative /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
