/** What narrows the list of blocks; it is in the address. */
import { wordsOf } from "@/lib/search";

export interface BlockSearch {
  name?: string;
  /** The slug of a type. */
  type?: string;
}

export function readBlockSearch(search: Record<string, unknown>): BlockSearch {
  return wordsOf(search, "name", "type");
}
