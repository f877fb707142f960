/** Every permission there is, by what it is about. */
import type { Scope } from "@/generated/graphql";

export interface ScopeGroup {
  title: string;
  scopes: readonly { scope: Scope; says: string }[];
}

export const SCOPE_GROUPS: readonly ScopeGroup[] = [
  {
    title: "Organization",
    scopes: [
      { scope: "ORG_READ", says: "See its people, roles and workspaces" },
      { scope: "ORG_ADMIN", says: "Change it and its workspaces" },
      { scope: "MEMBERS_WRITE", says: "Invite people and give them roles" },
      { scope: "KEYS_WRITE", says: "Make keys of machines" },
      { scope: "AUDIT_READ", says: "Read the audit log" },
      { scope: "BILLING_WRITE", says: "Delete it, let support in" },
    ],
  },
  {
    title: "Flows and runs",
    scopes: [
      { scope: "FLOWS_READ", says: "See flows and deployments" },
      { scope: "FLOWS_WRITE", says: "Change them, and so decide what runs do" },
      { scope: "RUNS_READ", says: "See runs" },
      { scope: "RUNS_WRITE", says: "Start, cancel and retry runs" },
      { scope: "RUNS_EXECUTE", says: "Be a run" },
      { scope: "LOGS_READ", says: "Read logs" },
      { scope: "LOGS_WRITE", says: "Write logs" },
      { scope: "ARTIFACTS_READ", says: "See artifacts and assets" },
      { scope: "ARTIFACTS_WRITE", says: "Change them" },
    ],
  },
  {
    title: "Configuration",
    scopes: [
      { scope: "VARIABLES_READ", says: "See variables" },
      { scope: "VARIABLES_WRITE", says: "Change them" },
      { scope: "BLOCKS_READ", says: "See blocks, without their secrets" },
      { scope: "BLOCKS_WRITE", says: "Change blocks and set secrets" },
      { scope: "BLOCKS_USE", says: "Let runs read their secrets" },
      { scope: "BLOCKS_REVEAL", says: "Read secrets oneself" },
      { scope: "AUTOMATIONS_READ", says: "See automations" },
      { scope: "AUTOMATIONS_WRITE", says: "Change them" },
      { scope: "EVENTS_READ", says: "See events" },
      { scope: "EVENTS_WRITE", says: "Emit events" },
    ],
  },
  {
    title: "Infrastructure",
    scopes: [
      { scope: "POOLS_READ", says: "See work pools and agents" },
      { scope: "POOLS_WRITE", says: "Change them" },
      { scope: "AGENTS_CONNECT", says: "Be an agent" },
    ],
  },
];

export const ALL_SCOPES: readonly Scope[] = SCOPE_GROUPS.flatMap(({ scopes }) => scopes.map(({ scope }) => scope));
