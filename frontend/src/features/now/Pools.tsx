/** The work pools: whether anybody serves them, how full they are, and what waits. */
import type { NowQuery } from "@/generated/graphql";
import { Capacity } from "@/ui/Capacity";
import { Crumb } from "@/ui/Crumb";
import { PoolStatus } from "@/ui/PoolStatus";

type PoolsShown = NonNullable<NowQuery["workspace"]>["workPools"]["nodes"];

export function Pools({ pools }: { pools: PoolsShown }) {
  return (
    <section className="now-part">
      <h2>Work pools</h2>
      {pools.length === 0 && <p className="now-nothing">There is no work pool yet.</p>}
      <table className="table" aria-label="Work pools">
        <tbody>
          {pools.map((pool) => {
            const capacity = pool.agents.nodes.reduce((sum, agent) => sum + agent.capacity, 0);
            return (
              <tr key={pool.id}>
                <td className="now-state"><PoolStatus status={pool.status} /></td>
                <td><Crumb to={`/pools/${encodeURIComponent(pool.name)}`}>{pool.name}</Crumb></td>
                <td className="max-md:hidden"><Capacity label={pool.name} taken={pool.backlog.running + pool.backlog.offered} room={Math.min(capacity, pool.concurrencyLimit ?? capacity)} waiting={pool.backlog.ready} /></td>
                <td className="is-number is-wide num">{`${pool.backlog.running} running, ${pool.backlog.ready} in the queue`}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
