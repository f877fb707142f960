/** The states of a task run by attempt: a new one begins where it runs again after it had ended or waited for that. */

interface Stated {
  type: string;
  name: string;
  sequence: number;
}

export function attemptsOf<State extends Stated>(states: readonly State[]): State[][] {
  const attempts: State[][] = [];
  for (const state of [...states].sort((one, other) => one.sequence - other.sequence)) {
    const current = attempts.at(-1);
    const hasRun = current?.some(({ type }) => type === "RUNNING") ?? false;
    if (!current || (hasRun && state.type === "RUNNING" && state.name !== "Resumed")) attempts.push([state]);
    else current.push(state);
  }
  return attempts;
}
