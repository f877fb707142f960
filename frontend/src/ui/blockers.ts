/** What the server says holds something up: a cause with its holders, and what would end it. */

interface Held {
  id: string;
  name: string;
}

export interface Blocker {
  code: string;
  message: string;
  since?: string | null;
  queuePosition?: number | null;
  expectedStart?: string | null;
  action?: unknown;
  holders: readonly Held[];
  backgroundTasks?: readonly Held[];
}

export interface Holder extends Held {
  /** Its page, and what the address says after the question mark. */
  to: string;
  search: Record<string, string>;
}

/** Who holds what is waited for, each with the page that shows it: runs, then background tasks. */
export function holdersOf({ holders, backgroundTasks = [] }: Blocker): Holder[] {
  return [
    ...holders.map(({ id, name }) => ({ id, name, to: `/runs/${id}`, search: {} })),
    ...backgroundTasks.map(({ id, name }) => ({ id, name, to: "/background-tasks", search: { task: id } })),
  ];
}

export interface KnownAction {
  label: string;
  mutation?: string;
  variables: Record<string, unknown>;
  command?: string;
}

export function readAction(action: unknown): KnownAction | undefined {
  if (typeof action !== "object" || action === null || !("label" in action) || typeof action.label !== "string") return undefined;
  if ("command" in action && typeof action.command === "string") return { label: action.label, command: action.command, variables: {} };
  if (!("mutation" in action) || typeof action.mutation !== "string") return undefined;
  const variables = "variables" in action && typeof action.variables === "object" && action.variables !== null ? action.variables : {};
  return { label: action.label, mutation: action.mutation, variables: variables as Record<string, unknown> };
}
