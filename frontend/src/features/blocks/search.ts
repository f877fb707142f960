/** What narrows the list of blocks; it is in the address. */

export interface BlockSearch {
  name?: string;
  /** The slug of a type. */
  type?: string;
}

export function readBlockSearch(search: Record<string, unknown>): BlockSearch {
  const { name, type } = search;
  return {
    ...(typeof name === "string" && name ? { name } : {}),
    ...(typeof type === "string" && type ? { type } : {}),
  };
}
