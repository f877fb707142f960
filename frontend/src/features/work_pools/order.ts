/** The order in which queues are served: the lowest priority first, from 1. */

interface Queue {
  id: string;
  priority: number;
}

/** The queues with one of them in another place. */
export function moved<Each extends Queue>(queues: readonly Each[], id: string, to: number): Each[] {
  const rest = queues.filter((queue) => queue.id !== id);
  const one = queues.find((queue) => queue.id === id);
  return one ? rest.toSpliced(to, 0, one) : [...queues];
}

/** The priorities that make an order so; only those that have to change. */
export function priorities<Each extends Queue>(order: readonly Each[]): { queue: Each; priority: number }[] {
  let least = 1;
  const changes: { queue: Each; priority: number }[] = [];
  order.forEach((queue, index) => {
    const next = order[index + 1];
    // A priority that is free between its neighbours is kept.
    const isKept = queue.priority >= least && (next === undefined || next.priority > queue.priority || queue.priority === least);
    const priority = isKept ? queue.priority : least;
    if (priority !== queue.priority) changes.push({ queue, priority });
    least = priority + 1;
  });
  return changes;
}
