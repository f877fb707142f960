/** What the signed-in one may do where they are: told once, by the frame of the page. */
import { createContext, useContext } from "react";
import type { Scope } from "@/generated/graphql";

/** Undefined until the server has said it: nothing is forbidden on a guess. */
export const Scopes = createContext<ReadonlySet<Scope> | undefined>(undefined);

/** Why something cannot be done, or undefined where it can. */
export function useLack(needs: Scope | undefined): string | undefined {
  const held = useContext(Scopes);
  if (needs === undefined || held === undefined || held.has(needs)) return undefined;
  return `You need the permission ${nameOf(needs)}. An administrator of the organization can give it.`;
}

/** Whether one has a permission; undefined until that is known. */
export function useHolds(scope: Scope): boolean | undefined {
  return useContext(Scopes)?.has(scope);
}

/** RUNS_WRITE as roles and keys write it: runs:write. */
export function nameOf(scope: Scope): string {
  return scope.toLowerCase().replace("_", ":");
}
