/** What an address says after its question mark: each page reads what it understands, and nothing else is passed on. */

export type RawSearch = Record<string, unknown>;

const MOST = 200;
/** The server takes no instant beyond. */
const LAST = Date.UTC(9999, 11, 31);

/** A word of an address. One that is typed there by hand may be read as a number: ``q=42``. */
export function wordOf(raw: RawSearch, name: string, most = MOST): string | undefined {
  const value = raw[name];
  const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  const word = isPlain ? String(value) : "";
  return word === "" ? undefined : word.slice(0, most);
}

/** Those of some words that are there. */
export function wordsOf<Name extends string>(raw: RawSearch, ...names: readonly Name[]): Partial<Record<Name, string>> {
  const words: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const word = wordOf(raw, name);
    if (word !== undefined) words[name] = word;
  }
  return words;
}

/** An instant, in milliseconds. */
export function timeOf(raw: RawSearch, name: string): number | undefined {
  const value = raw[name];
  return typeof value === "number" && value >= 0 && value <= LAST ? value : undefined;
}

/** A piece of time; nothing where it has no end, or ends before it begins. */
export function pieceOf(raw: RawSearch): { from?: number; to?: number } {
  const [from, to] = [timeOf(raw, "from"), timeOf(raw, "to")];
  return from !== undefined && to !== undefined && from < to ? { from, to } : {};
}

/** The server's filter for it. */
export function timeFilter({ from, to }: { from?: number; to?: number }): { gte: string; lt: string } | undefined {
  return from === undefined || to === undefined ? undefined : { gte: new Date(from).toISOString(), lt: new Date(to).toISOString() };
}

/** Takes away what ``read`` does not understand: the router would hand it to the page as it stands. */
export function understood<Search extends object>(read: (raw: RawSearch) => Search): (raw: RawSearch) => Search {
  return (raw) => ({ ...Object.fromEntries(Object.keys(raw).map((name) => [name, undefined])), ...read(raw) });
}

export interface NameSearch {
  name?: string;
}

/** What a list says that is narrowed by a word. */
export function readNameSearch(raw: RawSearch): NameSearch {
  return wordsOf(raw, "name");
}
