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
  /** The task, and which of its calls: "load 2". */
  name: string;
  one: Of | undefined;
  other: Of | undefined;
}

/** Each call by its task and its turn: the names of calls are made up anew in every run. */
function byTurn<Of extends Task>(tasks: readonly Of[]): Map<string, Of> {
  const turns = new Map<string, number>();
  return new Map(
    tasks.map((task) => {
      const turn = (turns.get(task.taskKey) ?? 0) + 1;
      turns.set(task.taskKey, turn);
      return [`${task.taskKey} ${turn}`, task];
    }),
  );
}

/** The tasks of both, the same calls beside each other, in the order of the first. */
export function pairs<Of extends Task>(one: readonly Of[], other: readonly Of[]): TaskPair<Of>[] {
  const [first, second] = [byTurn(one), byTurn(other)];
  const names = [...new Set([...first.keys(), ...second.keys()])];
  return names.map((name) => ({ name, one: first.get(name), other: second.get(name) }));
}
