"""What the client answers with where that is more than an object."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from headgate import elsewhere
from headgate.client.schemas.objects import Deployment, FlowRun
from headgate.states import State

DeploymentResponse = Deployment
FlowRunResponse = FlowRun


class SetStateStatus(StrEnum):
    """What became of a state that somebody proposed."""

    ACCEPT = "ACCEPT"
    ABORT = "ABORT"


@dataclass(frozen=True, slots=True)
class StateAcceptDetails:
    """The run is in the state that was proposed."""

    type: str = "accept_details"


@dataclass(frozen=True, slots=True)
class StateAbortDetails:
    """The run stays in its state."""

    reason: str
    type: str = "abort_details"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationResult:
    """What the server says to a state.

    Args:
        state: what the run is in now, whether or not the other one was accepted.
    """

    state: State[Any] | None
    status: SetStateStatus
    details: StateAcceptDetails | StateAbortDetails


__all__ = [
    "DeploymentResponse",
    "FlowRunResponse",
    "OrchestrationResult",
    "SetStateStatus",
    "StateAbortDetails",
    "StateAcceptDetails",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
