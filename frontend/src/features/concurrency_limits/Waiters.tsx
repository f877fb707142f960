/** The line of a limit: who waits for slots, for how long, and who is served next. */
import { type Waiter, Who, slotsOf } from "@/features/concurrency_limits/Who";
import { Time } from "@/ui/Time";

export function Waiters({ waiters, count }: { waiters: readonly Waiter[]; count: number }) {
  const more = count - waiters.length;
  return (
    <section className="grid gap-2">
      <h2>Who waits</h2>
      {waiters.length === 0 && <p className="faint m-0 text-[13px]">Nobody.</p>}
      <ol className="m-0 grid list-none gap-3 p-0 text-[13px]">
        {waiters.map((waiter) => (
          <li key={waiter.leaseId} className="grid gap-1">
            <span className="flex flex-wrap items-center gap-2">
              <span className="num faint">{`${waiter.position}.`}</span>
              <Who one={waiter} />
              <span className="num">{slotsOf(waiter.slots)}</span>
            </span>
            <span className="faint">since <Time at={waiter.since} isRelative />{waiter.priority !== 0 && <span className="num">{`, priority ${waiter.priority}`}</span>}</span>
          </li>
        ))}
      </ol>
      {more > 0 && <p className="faint m-0 text-[13px]">{`and ${more.toLocaleString("en")} more behind them`}</p>}
    </section>
  );
}
