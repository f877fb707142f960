/** The queues of a pool, in the order in which they are served: drag a row, or move it with the arrows. */
import { type DragEvent, useState } from "react";
import { QueueDeleteDocument, type QueueRowFragment, QueueUpsertDocument } from "@/generated/graphql";
import { moved, priorities } from "@/features/work_pools/order";
import type { PoolShown } from "@/features/work_pools/PoolPage";
import { QueueForm } from "@/features/work_pools/QueueForm";
import { parseDuration, showDuration } from "@/lib/time";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { Menu } from "@/ui/Menu";
import { StateLabel } from "@/ui/StateLabel";
import { tell } from "@/ui/toasts";

export function Queues({ pool, onChange }: { pool: PoolShown; onChange: () => void }) {
  const [dragged, setDragged] = useState<string>();
  const [edited, setEdited] = useState<QueueRowFragment | "new">();
  const upsert = useAct(QueueUpsertDocument);
  const queues = [...pool.queues].sort((one, other) => one.priority - other.priority || one.name.localeCompare(other.name));
  const put = async (order: readonly QueueRowFragment[]): Promise<void> => {
    for (const { queue, priority } of priorities(order)) {
      // One after the other: each is a change of its own, and the last one wins.
      // oxlint-disable-next-line no-await-in-loop
      if (!(await upsert.act({ input: { workPoolId: pool.id, name: queue.name, priority } }))) break;
    }
    onChange();
  };
  const move = (id: string, to: number): void => {
    const before = queues;
    void put(moved(queues, id, to)).then(() => tell("The order is changed.", { undo: () => void put(before) }));
  };
  const drop = (event: DragEvent, to: number): void => {
    event.preventDefault();
    if (dragged !== undefined) move(dragged, to);
    setDragged(undefined);
  };
  return (
    <>
      <table className="table" aria-label="Queues">
        <thead>
          <tr>
            <th scope="col">Served</th>
            <th scope="col">Queue</th>
            <th scope="col" className="is-number">Priority</th>
            <th scope="col" className="is-number">At once</th>
            <th scope="col" className="is-number">Running</th>
            <th scope="col" className="is-number">Waiting</th>
            <th scope="col" className="is-number max-md:hidden">Oldest</th>
            <th scope="col"><span className="sr-only">What can be done</span></th>
          </tr>
        </thead>
        <tbody>
          {queues.map((queue, index) => (
            <tr key={queue.id} draggable onDragStart={() => setDragged(queue.id)} onDragOver={(event) => event.preventDefault()} onDrop={(event) => drop(event, index)} data-dragged={dragged === queue.id || undefined}>
              <td className="whitespace-nowrap">
                <span className="num mr-2">{index + 1}</span>
                <Button className="icon-button" needs="POOLS_WRITE" aria-label={`Serve ${queue.name} earlier`} lacks={index === 0 ? "It is the first." : undefined} onClick={() => move(queue.id, index - 1)}>↑</Button>
                <Button className="icon-button" needs="POOLS_WRITE" aria-label={`Serve ${queue.name} later`} lacks={index === queues.length - 1 ? "It is the last." : undefined} onClick={() => move(queue.id, index + 1)}>↓</Button>
              </td>
              <td>{queue.name} {queue.paused && <StateLabel type="PAUSED" name="Paused" />}</td>
              <td className="is-number num">{queue.priority}</td>
              <td className="is-number num">{queue.concurrencyLimit ?? <span className="faint">any</span>}</td>
              <td className="is-number num">{queue.backlog.running}</td>
              <td className="is-number num">{queue.backlog.ready}</td>
              <td className="is-number num max-md:hidden">{queue.backlog.oldestReadyAge ? showDuration(parseDuration(queue.backlog.oldestReadyAge)) : <span className="faint">–</span>}</td>
              <td className="is-number"><QueueMenu poolId={pool.id} queue={queue} onEdit={() => setEdited(queue)} onChange={onChange} /></td>
            </tr>
          ))}
        </tbody>
      </table>
      {pool.queuesMore > 0 && <p className="faint m-0 p-(--pad)">{`and ${pool.queuesMore.toLocaleString("en")} more, which are served behind these`}</p>}
      <div className="p-(--pad)"><Button needs="POOLS_WRITE" onClick={() => setEdited("new")}>New queue…</Button></div>
      {edited !== undefined && <QueueForm poolId={pool.id} queue={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} onDone={onChange} />}
    </>
  );
}

function QueueMenu({ poolId, queue, onEdit, onChange }: { poolId: string; queue: QueueRowFragment; onEdit: () => void; onChange: () => void }) {
  const upsert = useAct(QueueUpsertDocument);
  const remove = useAct(QueueDeleteDocument);
  const [isAsked, setAsked] = useState(false);
  const setPaused = async (paused: boolean): Promise<void> => {
    const input = { workPoolId: poolId, name: queue.name, paused };
    if (!(await upsert.act({ input }))) return;
    tell(paused ? `${queue.name} is paused.` : `${queue.name} goes on.`, { undo: () => void upsert.act({ input: { ...input, paused: !paused } }).then(onChange) });
    onChange();
  };
  return (
    <>
      <Menu
        label="⋯"
        name={`More to do with ${queue.name}`}
        className="icon-button"
        entries={[
          { label: queue.paused ? "Resume" : "Pause", needs: "POOLS_WRITE", onSelect: () => void setPaused(!queue.paused) },
          { label: "Change…", needs: "POOLS_WRITE", onSelect: onEdit },
          { label: "Delete…", needs: "POOLS_WRITE", isDanger: true, onSelect: () => setAsked(true) },
        ]}
      />
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={`Delete the queue ${queue.name}?`}
        verb="Delete the queue"
        onConfirm={async () => {
          if (await remove.act({ input: { id: queue.id } })) tell("The queue is deleted.");
          onChange();
        }}
      >
        Runs that wait in it go to the pool's default queue.
      </Confirm>
    </>
  );
}
