"""What a work stream carries: thin offers and control messages, never parameters or secrets."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from headgate_server.domain.agents import Directive
from headgate_server.domain.leases import CancelRequest, Offer, PauseRequest, Verdict


class CloseReason(StrEnum):
    """Why the server ends a stream."""

    DEPLOY = "DEPLOY"
    TOKEN_EXPIRING = "TOKEN_EXPIRING"  # noqa: S105  not a secret
    MAX_AGE = "MAX_AGE"
    SUPERSEDED = "SUPERSEDED"
    REBALANCE = "REBALANCE"


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The first message: the timers, and a verdict on each lease the agent said it holds."""

    stream_epoch: int
    server_time: datetime
    offer_ttl: timedelta
    lease_ttl: timedelta
    heartbeat_interval: timedelta
    max_stream_age: timedelta
    held: tuple[Verdict, ...]
    unknown: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class LeaseRevoked:
    """A lease the agent holds is gone: stop the run, report nothing."""

    run_id: UUID
    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class StreamHeartbeat:
    """A sign of life on an idle stream."""

    server_time: datetime


@dataclass(frozen=True, slots=True)
class StreamClosing:
    """The last message: open a new stream, then close this one."""

    reason: CloseReason
    reconnect_after_ms: int
    deadline: datetime


Message = (
    StreamOpened
    | Offer
    | CancelRequest
    | PauseRequest
    | LeaseRevoked
    | Directive
    | StreamHeartbeat
    | StreamClosing
)
