/** What a member may do, and by which role: the answer to "why can Ana do this?". */
import type { MemberBindingFragment, Scope } from "@/generated/graphql";

export interface Holder {
  bindings: readonly MemberBindingFragment[];
  teams: readonly { name: string; bindings: readonly MemberBindingFragment[] }[];
}

export interface Reason {
  role: string;
  /** The team that holds the role, where it is not the member. */
  team: string | undefined;
  binding: MemberBindingFragment;
}

/** Every scope of a member with the roles that give it, in the order of the scopes' names. */
export function reasonsOf(member: Holder): [Scope, Reason[]][] {
  const found = new Map<Scope, Reason[]>();
  const take = (bindings: readonly MemberBindingFragment[], team?: string): void => {
    for (const binding of bindings) {
      for (const scope of binding.role.scopes) {
        found.set(scope, [...(found.get(scope) ?? []), { role: binding.role.name, team, binding }]);
      }
    }
  };
  take(member.bindings);
  for (const team of member.teams) take(team.bindings, team.name);
  return [...found].toSorted(([one], [other]) => one.localeCompare(other));
}
