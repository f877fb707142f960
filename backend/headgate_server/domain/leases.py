"""Leases: which session may execute a run, under which token and epoch, until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Phase(StrEnum):
    """Where a work item stands."""

    READY = "READY"
    OFFERED = "OFFERED"
    CLAIMED = "CLAIMED"
    RUNNING = "RUNNING"


class PauseKind(StrEnum):
    """Whether the run's process waits, or ends and is started again."""

    PAUSE = "PAUSE"
    SUSPEND = "SUSPEND"


class LeaseOutcome(StrEnum):
    """What a heartbeat says of one lease."""

    RENEWED = "RENEWED"
    LOST = "LOST"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    FINISHED = "FINISHED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class LeaseRef:
    """What a holder shows of its lease: the run, the token and the epoch."""

    run_id: UUID
    token: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class WorkItem:
    """The hot row of a live run: where it waits, and who holds it."""

    workspace_id: UUID
    run_id: UUID
    work_pool_id: UUID | None
    work_queue_id: UUID | None
    queue_priority: int
    priority: int
    due_at: datetime
    phase: Phase
    session_id: UUID | None
    agent_id: UUID | None
    token: UUID | None
    epoch: int
    fence_until: datetime | None
    last_seen_at: datetime | None
    offered_at: datetime | None
    claimed_at: datetime | None
    deliveries: int
    cancel_requested_at: datetime | None
    cancel_reason: str | None
    cancel_grace_seconds: int | None
    pause_key: str | None
    pause_kind: PauseKind | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A run offered to a session: thin, without parameters or secrets."""

    run_id: UUID
    workspace_id: UUID
    session_id: UUID
    token: UUID
    epoch: int
    expires_at: datetime
    queue_name: str
    priority: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one held lease.

    ``grace_seconds`` is how long the process may take to stop, where a cancel was requested;
    ``pause_key`` and ``pause_kind`` say which pause somebody asked for, where one did.
    """

    run_id: UUID
    epoch: int
    outcome: LeaseOutcome
    expires_at: datetime | None
    grace_seconds: int | None = None
    pause_key: str | None = None
    pause_kind: PauseKind | None = None


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """A cancel that the holder of a lease has to carry out."""

    run_id: UUID
    session_id: UUID | None
    epoch: int
    reason: str | None
    grace_seconds: int


@dataclass(frozen=True, slots=True)
class PauseRequest:
    """A pause that the process of a held run is to look for."""

    run_id: UUID
    session_id: UUID | None
    epoch: int
    key: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed run: what the agent needs to start it."""

    run_id: UUID
    run_token: str
    expires_at: datetime
    job: dict[str, Any]
