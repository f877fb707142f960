/** The words that narrow a list of runs: state:failed flow:orders -tag:test "a name". */
import type { FlowRunFilter, StateType } from "@/generated/graphql";

export interface Term {
  /** As it stands in the text. */
  text: string;
  key: string;
  value: string;
  isNot: boolean;
  /** Undefined where it is not understood. */
  filter: FlowRunFilter | undefined;
}

const TYPES: readonly StateType[] = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"];
const TERM = /(?<not>-)?(?:(?<key>[a-z]+):(?:"(?<keyQuoted>[^"]*)"?|(?<keyPlain>\S*))|"(?<quoted>[^"]*)"?|(?<plain>\S+))/g;
const NAMED: Readonly<Record<string, (value: string) => FlowRunFilter>> = {
  name: (value) => ({ name: { contains: value } }),
  flow: (value) => ({ flow: { name: { contains: value } } }),
  deployment: (value) => ({ deployment: { name: { contains: value } } }),
  tag: (value) => ({ tags: { all: [value] } }),
  id: (value) => ({ id: { eq: value } }),
  state: stateFilter,
};

export const KEYS = Object.keys(NAMED);

/** By type, whatever the case; otherwise by name: state:failed, state:Late. */
function stateFilter(value: string): FlowRunFilter {
  const type = TYPES.find((each) => each === value.toUpperCase());
  return { state: type ? { type: [type] } : { name: [value.charAt(0).toUpperCase() + value.slice(1)] } };
}

/** A word without a key is part of the name. What is not understood is kept, and narrows nothing. */
export function termsOf(text: string): Term[] {
  return [...text.matchAll(TERM)].flatMap(({ 0: whole, groups }) => {
    const isNot = groups?.["not"] !== undefined;
    const said = groups?.["key"];
    const value = ["keyQuoted", "keyPlain", "quoted", "plain"].map((name) => groups?.[name]).find((each) => each !== undefined) ?? "";
    const isKnown = said === undefined || Object.hasOwn(NAMED, said);
    const key = said ?? "name";
    if (value === "") return [{ text: whole, key, value, isNot, filter: undefined }];
    const made = isKnown ? NAMED[key]?.(value) : undefined;
    return [{ text: whole, key, value, isNot, filter: made && (isNot ? { not: made } : made) }];
  });
}

/** All that is understood holds; of several states, any. */
export function queryFilter(text: string): FlowRunFilter[] {
  const terms = termsOf(text);
  const states = terms.filter(({ key, isNot, filter }) => key === "state" && !isNot && filter);
  const others = terms.filter((term) => !states.includes(term)).flatMap(({ filter }) => (filter ? [filter] : []));
  const anyState = states.flatMap(({ filter }) => (filter ? [filter] : []));
  return anyState.length > 1 ? [...others, { or: anyState }] : [...others, ...anyState];
}

/** The text without one of its terms. */
export function without(text: string, term: Term): string {
  return termsOf(text).filter((each) => each.text !== term.text).map((each) => each.text).join(" ");
}
