/** What narrows the list of variables, and which one is looked at; it is in the address. */

export interface VariableSearch {
  name?: string;
  variable?: string;
}

export function readVariableSearch(search: Record<string, unknown>): VariableSearch {
  const { name, variable } = search;
  return {
    ...(typeof name === "string" && name ? { name } : {}),
    ...(typeof variable === "string" && variable ? { variable } : {}),
  };
}
