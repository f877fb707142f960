"""Flow runs, their attempts, and what is asked for when one is created."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain.documents import measure_document
from headgate_server.domain.errors import InvalidInput, LimitExceeded
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import Actor

MAX_NAME_LENGTH = 200
MAX_TAGS = 50
MAX_TAG_LENGTH = 100
MIN_PRIORITY, MAX_PRIORITY = -1000, 1000
MAX_BATCH_BYTES = 16 * 1024 * 1024
"""So much is stored at once of new runs; several times as much memory is taken meanwhile."""
RUN_NAME = "runName"
"""In the details of the RUNNING that a holder proposes: what the flow names its run."""


class LateCause(StrEnum):
    """Why a run did not start in time."""

    CONTROL_PLANE = "CONTROL_PLANE"
    NO_AGENT = "NO_AGENT"
    LIMIT = "LIMIT"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True)
class FlowRun:
    """One execution of a flow, from the moment it is planned until its history is complete."""

    workspace_id: UUID
    id: UUID
    name: str
    flow_id: UUID
    deployment_id: UUID | None
    deployment_version_id: UUID | None
    schedule_id: UUID | None
    parent_task_run_id: UUID | None
    root_run_id: UUID | None
    work_pool_id: UUID | None
    work_queue_id: UUID | None
    state_type: StateType
    state_name: str
    state_message: str | None
    state_timestamp: datetime
    state_sequence: int
    version: int
    attempt: int
    retries_used: int
    infrastructure_attempts: int
    priority: int
    expected_start: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    late_cause: LateCause | None
    unresponsive_since: datetime | None
    cancel_requested_at: datetime | None
    idempotency_key: str | None
    created_by: Actor
    triggered_by: Mapping[str, Any] | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended."""
        return self.state_type.is_terminal

    @property
    def duration(self) -> timedelta | None:
        """Return the time from the first start to the end; None until it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at

    @property
    def lateness(self) -> timedelta | None:
        """Return how long after its expected start the run started; None until it has."""
        if self.started_at is None or self.expected_start is None:
            return None
        return max(self.started_at - self.expected_start, timedelta())


@dataclass(frozen=True, slots=True)
class FlowRunPayload:
    """The wide part of a run, read only where it is shown or executed."""

    parameters: dict[str, Any]
    job_variables: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class NewFlowRun:
    """A run to be created, with everything decided but its id."""

    name: str
    flow_id: UUID
    deployment_id: UUID | None = None
    deployment_version_id: UUID | None = None
    schedule_id: UUID | None = None
    parent_task_run_id: UUID | None = None
    root_run_id: UUID | None = None
    work_pool_id: UUID | None = None
    work_queue_id: UUID | None = None
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    job_variables: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()
    priority: int = 0
    expected_start: datetime | None = None
    idempotency_key: str | None = None
    triggered_by: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a run's user code, under one epoch of its lease."""

    run_id: UUID
    number: int
    epoch: int
    agent_id: UUID | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


class FlowRunOrderField(StrEnum):
    """What a list of runs is sorted by; every order ends in the id."""

    EXPECTED_START = "EXPECTED_START"
    STARTED_AT = "STARTED_AT"
    ENDED_AT = "ENDED_AT"
    NAME = "NAME"


@dataclass(frozen=True, slots=True)
class FlowRunOrder:
    """How a list of runs is sorted: newest expected start first unless told otherwise."""

    field: FlowRunOrderField = FlowRunOrderField.EXPECTED_START
    is_descending: bool = True


def check_name_as_begun(details: Mapping[str, Any]) -> None:
    """Refuse what a flow names its run, where that is no name.

    Raises:
        InvalidInput: it is no text of 1 to 200 printable characters.
    """
    name = details.get(RUN_NAME)
    if name is None:
        return
    if not (isinstance(name, str) and 1 <= len(name) <= MAX_NAME_LENGTH and name.isprintable()):
        raise InvalidInput(
            f"runName has 1 to {MAX_NAME_LENGTH} printable characters.",
            path=["state", "details", RUN_NAME],
        )


def check_asked(name: str | None, parameters: dict[str, Any], priority: int) -> int:
    """Return how many bytes the parameters of a new run take.

    Raises:
        InvalidInput: a name, parameters or a priority that no run has.
    """
    if name is not None and not (1 <= len(name) <= MAX_NAME_LENGTH and name.isprintable()):
        raise InvalidInput(f"A run's name has 1 to {MAX_NAME_LENGTH} characters.", path=["name"])
    if not MIN_PRIORITY <= priority <= MAX_PRIORITY:
        raise InvalidInput(
            f"priority is from {MIN_PRIORITY} to {MAX_PRIORITY}, high first.", path=["priority"]
        )
    return measure_document(parameters, field="parameters")


class BatchTooLarge(LimitExceeded):
    """The runs of a batch are too large together; make the others in a batch of their own."""

    def __init__(self) -> None:
        super().__init__(
            f"The runs of a batch take at most {MAX_BATCH_BYTES // 2**20} MiB together, with the "
            "parameters of their deployments; make the others in a batch of their own.",
            limit=MAX_BATCH_BYTES,
            current=MAX_BATCH_BYTES,
        )


@dataclass(slots=True)
class BatchRoom:
    """How much more the runs of a batch may take."""

    left_bytes: int = MAX_BATCH_BYTES

    def check(self) -> None:
        """Refuse a run where one before it did not fit: nothing of it is written out.

        Raises:
            BatchTooLarge: none fits any more.
        """
        if self.left_bytes <= 0:
            raise BatchTooLarge

    def take(self, size_bytes: int) -> None:
        """Take what a run needs; where that is too much, nothing more is given.

        Raises:
            BatchTooLarge: it does not fit.
        """
        self.left_bytes -= size_bytes
        if self.left_bytes < 0:
            raise BatchTooLarge
