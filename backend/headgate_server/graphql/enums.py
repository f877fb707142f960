"""Enums of the domain as the API shows them, and the few that only the API has."""

from enum import StrEnum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from headgate_server.domain.permissions import Scope
from headgate_server.domain.quotas import QuotaKind as QuotaKind
from headgate_server.domain.states import StateType


@strawberry.enum(description="Which way a list runs.")
class Direction(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.enum(description="Whether a count is exact, or stopped at its cap.")
class CountPrecision(StrEnum):
    EXACT = "EXACT"
    AT_LEAST = "AT_LEAST"


_SCOPES_SAY = {
    Scope.ORG_READ: "See the organization's people, roles and workspaces.",
    Scope.ORG_ADMIN: "Change the organization and its workspaces.",
    Scope.MEMBERS_WRITE: "Invite people, and give roles.",
    Scope.KEYS_WRITE: "Make and turn keys of machines, and revoke any.",
    Scope.FLOWS_READ: "See flows, deployments and schedules.",
    Scope.FLOWS_WRITE: "Change flows, deployments and schedules, their limits and promises, and so "
    "decide which code runs. What runs may do comes with it: they read and write all variables of "
    "their workspace, read its artifacts and emit its events, whatever else who deployed may do. "
    "Blocks take BLOCKS_USE beside it, and starting other deployments RUNS_WRITE.",
    Scope.RUNS_READ: "See runs, and what became of them.",
    Scope.RUNS_WRITE: "Start, cancel, retry and pause runs.",
    Scope.RUNS_EXECUTE: "Be a run: tell of its states, in a process of one's own.",
    Scope.LOGS_READ: "Read logs.",
    Scope.LOGS_WRITE: "Write logs.",
    Scope.ARTIFACTS_READ: "See artifacts and assets.",
    Scope.ARTIFACTS_WRITE: "Change artifacts and assets.",
    Scope.VARIABLES_READ: "See variables.",
    Scope.VARIABLES_WRITE: "Change variables.",
    Scope.BLOCKS_READ: "See blocks, without their secrets.",
    Scope.BLOCKS_WRITE: "Change blocks, and set their secrets.",
    Scope.BLOCKS_USE: "Let runs read blocks with their secrets.",
    Scope.BLOCKS_REVEAL: "Read secrets oneself, where the installation allows it.",
    Scope.POOLS_READ: "See work pools, queues and agents.",
    Scope.POOLS_WRITE: "Change work pools and queues.",
    Scope.AGENTS_CONNECT: "Be an agent: take runs, and act for them.",
    Scope.AUTOMATIONS_READ: "See automations.",
    Scope.AUTOMATIONS_WRITE: "Change automations.",
    Scope.EVENTS_READ: "See events.",
    Scope.EVENTS_WRITE: "Emit events.",
    Scope.AUDIT_READ: "Read the audit log.",
    Scope.BILLING_WRITE: "Delete the organization, and let support in.",
}


def _show_scopes() -> None:
    """Let each scope say what it gives; the domain's own enum knows nothing of the API."""
    strawberry.enum(Scope, description="One right of a credential.")
    definition = getattr(Scope, "__strawberry_definition__", None)
    if not isinstance(definition, StrawberryEnumDefinition):
        raise TypeError("Strawberry keeps what it knows of an enum elsewhere by now.")
    for value in definition.values:
        value.description = _SCOPES_SAY[Scope[value.name]]


_show_scopes()
strawberry.enum(
    StateType,
    description="The nine types of state; what the orchestrator decides depends on the type, "
    "never on the name.",
)
strawberry.enum(
    QuotaKind,
    description="What an organization is limited in: runs created, points of the API, bytes of log "
    "messages, each a day or a month of UTC; bytes stored; and the days that anything is kept.",
)
