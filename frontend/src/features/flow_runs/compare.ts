/** What is different between two runs. */

export interface Difference {
  name: string;
  one: unknown;
  other: unknown;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The places at which two values differ, by the names that lead there. */
export function differences(one: unknown, other: unknown, name = ""): Difference[] {
  if (isRecord(one) && isRecord(other)) {
    const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
    return names.flatMap((each) => differences(one[each], other[each], name ? `${name}.${each}` : each));
  }
  return JSON.stringify(one) === JSON.stringify(other) ? [] : [{ name, one, other }];
}

interface Task {
  name: string;
  taskKey: string;
  duration?: string | null;
  state: { type: string; name: string };
}

export interface TaskPair<Of extends Task> {
  name: string;
  one: Of | undefined;
  other: Of | undefined;
}

/** The tasks of both, those of one name beside each other, in the order of the first. */
export function pairs<Of extends Task>(one: readonly Of[], other: readonly Of[]): TaskPair<Of>[] {
  const left = new Map(other.map((task) => [task.name, task]));
  const paired = one.map((task) => {
    const match = left.get(task.name);
    left.delete(task.name);
    return { name: task.name, one: task, other: match };
  });
  return [...paired, ...[...left.values()].map((task) => ({ name: task.name, one: undefined, other: task }))];
}
