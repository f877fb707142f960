/** What the address says of a list that is narrowed by a word. */

export interface NameSearch {
  name?: string;
}

export function readNameSearch({ name }: Record<string, unknown>): NameSearch {
  return typeof name === "string" && name !== "" ? { name: name.slice(0, 200) } : {};
}
