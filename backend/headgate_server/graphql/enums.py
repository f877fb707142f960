"""Enums of the domain as the API shows them, and the few that only the API has."""

from enum import StrEnum

import strawberry

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


strawberry.enum(Scope, description="One right of a credential.")
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
