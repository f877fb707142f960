/** A list that is read page after page, kept while one looks at something else, and read again when it changes. */
import { useCallback, useEffect, useRef, useState } from "react";
import { type AnyVariables, type CombinedError, type TypedDocumentNode, useClient } from "urql";
import { takeAhead } from "@/lib/ahead";

export interface Connection<Row> {
  nodes: readonly Row[];
  pageInfo: { hasNextPage: boolean; endCursor?: string | null };
  totalCount?: { value: number; precision: string };
}

interface Kept {
  rows: readonly unknown[];
  pages: number;
  hasMore: boolean;
  total: { value: number; precision: string } | undefined;
}

export interface Pages<Row> {
  /** Undefined until the first page is there. */
  rows: readonly Row[] | undefined;
  total: { value: number; precision: string } | undefined;
  hasMore: boolean;
  isReading: boolean;
  error: CombinedError | undefined;
  more: () => void;
  again: () => void;
}

const KEPT_LISTS = 30;
const kept = new Map<string, Kept>();

function keep(key: string, list: Kept): void {
  kept.delete(key);
  kept.set(key, list);
  const [oldest] = kept.keys();
  if (kept.size > KEPT_LISTS && oldest !== undefined) kept.delete(oldest);
}

/** ``name`` tells lists of different documents apart; ``pick`` finds the connection in what was read. */
export function usePages<Data, Variables extends AnyVariables & { after?: string | null | undefined }, Row>(
  name: string,
  document: TypedDocumentNode<Data, Variables>,
  variables: Omit<Variables, "after">,
  pick: (data: Data) => Connection<Row> | null | undefined,
): Pages<Row> {
  const client = useClient();
  const key = `${name} ${JSON.stringify(variables)}`;
  const [, show] = useState(0);
  const [error, setError] = useState<CombinedError>();
  const [isReading, setReading] = useState(false);
  const latest = useRef({ key, variables, pick, turn: 0, wanted: { key, pages: 1 } });
  latest.current.key = key;
  latest.current.variables = variables;
  latest.current.pick = pick;
  if (latest.current.wanted.key !== key) latest.current.wanted = { key, pages: kept.get(key)?.pages ?? 1 };
  const read = useCallback(
    async (from: Kept | undefined, pages: number) => {
      const { key: of, variables: given, pick: choose } = latest.current;
      latest.current.turn += 1;
      const turn = latest.current.turn;
      const isOld = (): boolean => latest.current.turn !== turn;
      setReading(true);
      let list = from ?? { rows: [], pages: 0, hasMore: true, total: undefined };
      let after = from ? lastCursor.get(of) : undefined;
      while (list.pages < pages && list.hasMore) {
        const asked = { ...given, ...(after ? { after } : {}) } as Variables;
        const requestPolicy = takeAhead(document, asked) ? "cache-first" : "network-only";
        const answer = await client.query(document, asked, { requestPolicy }).toPromise();
        if (isOld()) return;
        const page = answer.data && choose(answer.data);
        if (answer.error || !page) {
          setError(answer.error);
          break;
        }
        setError(undefined);
        after = page.pageInfo.endCursor ?? undefined;
        list = {
          rows: [...list.rows, ...page.nodes],
          pages: list.pages + 1,
          hasMore: page.pageInfo.hasNextPage && after !== undefined,
          total: page.totalCount ?? list.total,
        };
      }
      if (list.pages > 0) {
        keep(of, list);
        if (after !== undefined) lastCursor.set(of, after);
      }
      setReading(false);
      show((count) => count + 1);
    },
    [client, document],
  );
  const again = useCallback(() => void read(undefined, latest.current.wanted.pages), [read]);
  const more = useCallback(() => {
    const list = kept.get(latest.current.key);
    if (!list?.hasMore) return;
    // Whatever is being read gives way to this; what reads again later reads as many pages.
    latest.current.wanted.pages = list.pages + 1;
    void read(list, list.pages + 1);
  }, [read]);
  useEffect(() => {
    again();
  }, [again, key]);
  useEffect(() => {
    const mark = latest.current;
    return () => {
      mark.turn += 1;
    };
  }, []);
  const list = kept.get(key);
  return {
    rows: list?.rows as readonly Row[] | undefined,
    total: list?.total,
    hasMore: list?.hasMore ?? false,
    isReading,
    error,
    more,
    again,
  };
}

const lastCursor = new Map<string, string>();
