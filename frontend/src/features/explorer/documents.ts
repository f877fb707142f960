/** Documents that somebody writes: which operations are in them, how they are kept, how others run them. */
import { getOperationAST, GraphQLError, Kind, parse, print } from "graphql";
import { readJson } from "@/lib/json";

export interface Draft {
  query: string;
  variables: string;
}

export const FIRST: Draft = {
  query: `# Ask for anything you may see. Ctrl-Space says what there is; Ctrl-Enter runs it.
query Runs($organization: String!, $workspace: String!) {
  workspace(organization: $organization, slug: $workspace) {
    name
    flowRuns(first: 5) {
      nodes {
        name
        state {
          name
          timestamp
        }
      }
    }
  }
}
`,
  variables: "",
};

/** The names of the operations, and undefined where the document cannot be read. */
export function operationsOf(query: string): string[] | undefined {
  try {
    return parse(query).definitions.flatMap((each) => (each.kind === Kind.OPERATION_DEFINITION ? [each.name?.value ?? ""] : []));
  } catch (error) {
    if (error instanceof GraphQLError) return undefined;
    throw error;
  }
}

export function isSubscription(query: string, name: string | undefined): boolean {
  try {
    return getOperationAST(parse(query), name)?.operation === "subscription";
  } catch (error) {
    if (error instanceof GraphQLError) return false;
    throw error;
  }
}

/** The same, as everybody writes it; as it was where it cannot be read. Comments stay where they are at the top. */
export function tidied(query: string): string {
  const comments = query.split("\n").filter((line, index, lines) => line.startsWith("#") && lines.slice(0, index).every((each) => each.startsWith("#")));
  try {
    return `${[...comments, print(parse(query))].join("\n")}\n`;
  } catch (error) {
    if (error instanceof GraphQLError) return query;
    throw error;
  }
}

/** Variables as an object, or why they are none. */
export function readVariables(text: string): { value: Record<string, unknown> } | { problem: string } {
  if (text.trim() === "") return { value: {} };
  const { value, problem } = readJson(text);
  if (problem !== undefined) return { problem: `Variables: ${problem}` };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { problem: "Variables are a JSON object." };
  return { value: value as Record<string, unknown> };
}

/** A command that asks the same from a terminal, with a key of one's own. */
export function asCurl(url: string, draft: Draft): string {
  const variables = readVariables(draft.variables);
  const body = JSON.stringify({ query: draft.query, ...("value" in variables ? { variables: variables.value } : {}) });
  const quoted = `'${body.replaceAll("'", `'\\''`)}'`;
  return `curl ${url}/graphql -H "authorization: Bearer $HEADGATE_API_KEY" -H 'content-type: application/json' -d ${quoted}`;
}

const KEY = "headgate.explorer";
const MOST_KEPT = 30;

export interface KeptDraft extends Draft {
  name: string;
}

function isKept(value: unknown): value is KeptDraft {
  return typeof value === "object" && value !== null && ["name", "query", "variables"].every((field) => typeof (value as Record<string, unknown>)[field] === "string");
}

/** What was run in this browser, the latest first. */
export function readHistory(): KeptDraft[] {
  try {
    const kept: unknown = JSON.parse(window.localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isKept) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

export function keepInHistory(draft: Draft): KeptDraft[] {
  const name = operationsOf(draft.query)?.find(Boolean) ?? "a query without a name";
  const others = readHistory().filter(({ query }) => query !== draft.query);
  const kept = [{ ...draft, name }, ...others].slice(0, MOST_KEPT);
  window.localStorage.setItem(KEY, JSON.stringify(kept));
  return kept;
}
