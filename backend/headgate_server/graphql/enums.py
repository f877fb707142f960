"""Enums of the domain as the API shows them, and the few that only the API has."""

from enum import StrEnum

import strawberry

from headgate_server.domain.permissions import Scope
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
