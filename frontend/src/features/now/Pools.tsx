/** The work pools: whether anybody serves them, and what waits. */
import type { NowQuery } from "@/generated/graphql";

type PoolsShown = NonNullable<NowQuery["workspace"]>["workPools"]["nodes"];
const STATUS = { READY: "Ready", NOT_READY: "No agent online", PAUSED: "Paused" } as const;

export function Pools({ pools }: { pools: PoolsShown }) {
  return (
    <section className="min-w-0 border-b border-(--hairline) pb-4">
      <h2 className="px-5 pt-4 pb-2">Work pools</h2>
      {pools.length === 0 && <p className="faint m-0 px-5 text-[13px]">There is no work pool yet.</p>}
      <table className="table">
        <tbody>
          {pools.map((pool) => (
            <tr key={pool.id}>
              <td>{pool.name}</td>
              <td className="faint">{pool.type}</td>
              <td>{STATUS[pool.status]}</td>
              <td className="is-number num">{`${pool.backlog.running} running, ${pool.backlog.ready} waiting`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
