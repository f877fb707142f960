/** A list that is read page after page, kept while one looks at something else, and read again when it changes. */
import { useCallback, useEffect, useRef, useState } from "react";
import { type AnyVariables, type CombinedError, type TypedDocumentNode, useClient } from "urql";
import { takeAhead } from "@/lib/ahead";
import { noteStale } from "@/lib/stale";

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
  /** What its pages were asked with, and where the next one begins: no cursor goes with another question. */
  asked: unknown;
  after: string | undefined;
}

export interface Pages<Row> {
  /** Undefined until the first page is there. */
  rows: readonly Row[] | undefined;
  /** What they are an answer to. */
  of: string;
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

/** Longer lists are read again after a rest of so much for each page beyond these. */
const QUICK_PAGES = 4;
const REST_A_PAGE_MS = 250;

interface Reading {
  isMore: boolean;
}

/** What one place of a page that shows a list knows from one drawing to the next. */
class Reader {
  /** The reading that is under way; another one makes it void. */
  reading: Reading | undefined;
  /** Whether to read again once the reading under way is over. */
  isDue = false;
  /** How many pages are wanted when it is read again. */
  pages = 1;
  private restUntil = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  begin(isMore: boolean): Reading {
    this.reading = { isMore };
    return this.reading;
  }

  end(begunAt: number, pages: number): void {
    this.reading = undefined;
    this.restUntil = begunAt + Math.max(0, pages - QUICK_PAGES) * REST_A_PAGE_MS;
  }

  leave(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.reading = undefined;
    this.isDue = false;
    this.restUntil = 0;
  }

  /** Calls back once it has rested, and once for all who ask meanwhile. */
  rested(act: () => void): void {
    if (this.timer !== undefined) return;
    const rest = this.restUntil - performance.now();
    if (rest <= 0) {
      act();
      return;
    }
    this.timer = setTimeout(() => {
      this.timer = undefined;
      act();
    }, rest);
  }
}

/**
 * ``name`` tells lists of different documents apart; ``pick`` finds the connection in what was read. A list is kept under its
 * variables, or under what ``same`` says, where they hold an instant that moves: as of that instant until it is read again.
 *
 * A reading under way comes to its end whatever changes meanwhile, and one more follows it.
 */
export function usePages<Data, Variables extends AnyVariables & { after?: string | null | undefined }, Row>(
  name: string,
  document: TypedDocumentNode<Data, Variables>,
  variables: Omit<Variables, "after">,
  pick: (data: Data) => Connection<Row> | null | undefined,
  same: unknown = variables,
): Pages<Row> {
  const client = useClient();
  const key = `${name} ${JSON.stringify(same)}`;
  const question = JSON.stringify(variables);
  const [, show] = useState(0);
  const [error, setError] = useState<CombinedError>();
  const [isReading, setReading] = useState(false);
  const [reader] = useState(() => new Reader());
  const latest = useRef({ key, variables, pick });
  latest.current = { key, variables, pick };
  const read = useCallback(
    async (from: Kept | undefined, pages: number): Promise<void> => {
      const { key: of, variables: asked, pick: choose } = latest.current;
      const reading = reader.begin(from !== undefined);
      const begunAt = performance.now();
      setReading(true);
      let list: Kept = from ?? { rows: [], pages: 0, hasMore: true, total: undefined, asked, after: undefined };
      let failed: CombinedError | undefined;
      while (list.pages < pages && list.hasMore && failed === undefined) {
        const variables_ = { ...(list.asked as object), ...(list.after ? { after: list.after } : {}) } as Variables;
        const requestPolicy = takeAhead(document, variables_) ? "cache-first" : "network-only";
        const answer = await client.query(document, variables_, { requestPolicy }).toPromise();
        if (reader.reading !== reading) return;
        const page = answer.data && choose(answer.data);
        failed = answer.error;
        if (failed || !page) break;
        list = longer(list, page);
      }
      // Of a list that could not be read to where it was known before, that is kept.
      if (list.pages > 0 && (failed === undefined || !kept.has(of))) keep(of, list);
      reader.end(begunAt, from ? 0 : list.pages);
      setError(failed);
      setReading(false);
      show((count) => count + 1);
    },
    [client, document, reader],
  );
  const again = useCallback(() => {
    if (reader.reading !== undefined) {
      reader.isDue = true;
      return;
    }
    reader.rested(() => {
      reader.isDue = false;
      void read(undefined, reader.pages).then(() => reader.isDue && reader.reading === undefined && again());
    });
  }, [read, reader]);
  const more = useCallback(() => {
    const list = kept.get(latest.current.key);
    if (!list?.hasMore || reader.reading?.isMore) return;
    // What is being read again gives way to this, and follows it with as many pages.
    reader.isDue ||= reader.reading !== undefined;
    reader.pages = list.pages + 1;
    void read(list, list.pages + 1).then(() => reader.isDue && reader.reading === undefined && again());
  }, [again, read, reader]);
  useEffect(() => {
    reader.pages = kept.get(key)?.pages ?? 1;
    setError(undefined);
    again();
    return () => reader.leave();
  }, [again, key, question, reader]);
  const list = kept.get(key);
  const isThere = list !== undefined;
  useEffect(() => (error && isThere ? noteStale({ error, again }) : undefined), [again, error, isThere]);
  return {
    rows: list?.rows as readonly Row[] | undefined,
    of: key,
    total: list?.total,
    hasMore: list?.hasMore ?? false,
    isReading,
    error,
    more,
    again,
  };
}

function longer(list: Kept, { nodes, pageInfo, totalCount }: Connection<unknown>): Kept {
  const after = pageInfo.endCursor ?? undefined;
  return {
    ...list,
    rows: [...list.rows, ...nodes],
    pages: list.pages + 1,
    hasMore: pageInfo.hasNextPage && after !== undefined,
    total: totalCount ?? list.total,
    after,
  };
}
