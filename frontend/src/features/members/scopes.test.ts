import { expect, test } from "vitest";
import type { MemberBindingFragment, Scope } from "@/generated/graphql";
import { reasonsOf } from "@/features/members/scopes";

function binding(name: string, scopes: Scope[]): MemberBindingFragment {
  return { id: name, objectId: null, isOrganizationWide: true, role: { id: name, name, scopes }, workspace: null };
}

test("a scope is told with every role that gives it, the team's among them", () => {
  const own = binding("Viewer", ["RUNS_READ"]);
  const shared = binding("Operator", ["RUNS_READ", "RUNS_WRITE"]);

  const reasons = reasonsOf({ bindings: [own], teams: [{ name: "On call", bindings: [shared] }] });

  expect(reasons).toEqual([
    ["RUNS_READ", [
      { role: "Viewer", team: undefined, binding: own },
      { role: "Operator", team: "On call", binding: shared },
    ]],
    ["RUNS_WRITE", [{ role: "Operator", team: "On call", binding: shared }]],
  ]);
});

test("who holds no role may do nothing", () => {
  expect(reasonsOf({ bindings: [], teams: [] })).toEqual([]);
});
