"""What the client takes and returns, under the names that Prefect's users know."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.client.schemas.objects import BlockDocument, FlowRun, State, StateType, TaskRun
from headgate.client.schemas.responses import (
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateAcceptDetails,
)

__all__ = [
    "BlockDocument",
    "FlowRun",
    "OrchestrationResult",
    "SetStateStatus",
    "State",
    "StateAbortDetails",
    "StateAcceptDetails",
    "StateType",
    "TaskRun",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
