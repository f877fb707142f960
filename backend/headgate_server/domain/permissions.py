"""Scopes, and which role holds which of them."""

from enum import StrEnum


class Scope(StrEnum):
    """One right. A credential's effective scopes are its role's, cut down to the key's own."""

    ORG_READ = "ORG_READ"
    ORG_ADMIN = "ORG_ADMIN"
    MEMBERS_WRITE = "MEMBERS_WRITE"
    KEYS_WRITE = "KEYS_WRITE"
    FLOWS_READ = "FLOWS_READ"
    FLOWS_WRITE = "FLOWS_WRITE"
    RUNS_READ = "RUNS_READ"
    RUNS_WRITE = "RUNS_WRITE"
    RUNS_EXECUTE = "RUNS_EXECUTE"
    LOGS_READ = "LOGS_READ"
    LOGS_WRITE = "LOGS_WRITE"
    ARTIFACTS_READ = "ARTIFACTS_READ"
    ARTIFACTS_WRITE = "ARTIFACTS_WRITE"
    VARIABLES_READ = "VARIABLES_READ"
    VARIABLES_WRITE = "VARIABLES_WRITE"
    BLOCKS_READ = "BLOCKS_READ"
    BLOCKS_WRITE = "BLOCKS_WRITE"
    BLOCKS_USE = "BLOCKS_USE"
    BLOCKS_REVEAL = "BLOCKS_REVEAL"
    POOLS_READ = "POOLS_READ"
    POOLS_WRITE = "POOLS_WRITE"
    AGENTS_CONNECT = "AGENTS_CONNECT"
    AUTOMATIONS_READ = "AUTOMATIONS_READ"
    AUTOMATIONS_WRITE = "AUTOMATIONS_WRITE"
    EVENTS_READ = "EVENTS_READ"
    EVENTS_WRITE = "EVENTS_WRITE"
    AUDIT_READ = "AUDIT_READ"
    BILLING_WRITE = "BILLING_WRITE"


READ_SCOPES = frozenset(
    {
        Scope.ORG_READ,
        Scope.FLOWS_READ,
        Scope.RUNS_READ,
        Scope.LOGS_READ,
        Scope.ARTIFACTS_READ,
        Scope.VARIABLES_READ,
        Scope.BLOCKS_READ,
        Scope.POOLS_READ,
        Scope.AUTOMATIONS_READ,
        Scope.EVENTS_READ,
    }
)

OWNER_SCOPES = frozenset(Scope) - {Scope.BLOCKS_REVEAL}
"""An owner's key; revealing a secret is a right of its own that nobody holds by default."""

AGENT_SESSION_SCOPES = frozenset({Scope.AGENTS_CONNECT})
"""What the token of an agent session carries: the agent protocol and nothing else."""

RUN_SCOPES = frozenset(
    {Scope.RUNS_EXECUTE, Scope.LOGS_WRITE, Scope.ARTIFACTS_WRITE, Scope.BLOCKS_USE}
)
"""What a run token carries, for its own run only."""
