/** What narrows the list of variables, and which one is looked at; it is in the address. */
import { wordsOf } from "@/lib/search";

export interface VariableSearch {
  name?: string;
  variable?: string;
}

export function readVariableSearch(search: Record<string, unknown>): VariableSearch {
  return wordsOf(search, "name", "variable");
}
