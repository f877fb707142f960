"""The messages of the agent's work stream, one struct each."""

import logging
from datetime import datetime, timedelta
from functools import cache
from typing import Any, get_args

import msgspec

from headgate.errors import ServerFaultError

logger = logging.getLogger("headgate.agent")


class _Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="__typename"):
    """The base of every message; ``__typename`` says which one it is."""


class HeldLease(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A lease that the server agrees this session holds."""

    run_id: str
    epoch: int
    expires_at: datetime
    cancel_requested: bool


class StreamOpened(_Message, frozen=True, tag="StreamOpened"):
    """The first message: the server's timers, and its view of what the agent said it holds.

    Args:
        unknown: runs that the agent named and that this session does not hold.
    """

    stream_epoch: int
    opened_at: datetime
    offer_ttl: timedelta
    lease_ttl: timedelta
    heartbeat_interval: timedelta
    max_stream_age: timedelta
    held: list[HeldLease]
    unknown: list[str]


class RunOffered(_Message, frozen=True, tag="RunOffered"):
    """A run to claim before the offer expires."""

    run_id: str
    lease_token: str
    epoch: int
    offer_expires_at: datetime
    queue: str
    priority: int
    delivery_count: int


class RunCancelRequested(_Message, frozen=True, tag="RunCancelRequested"):
    """A held run is to stop within the grace."""

    run_id: str
    epoch: int
    grace_seconds: int
    cancel_reason: str | None = None


class RunPauseRequested(_Message, frozen=True, tag="RunPauseRequested"):
    """A held run is to pause: its process is told to look at its lease."""

    run_id: str
    epoch: int


class LeaseRevoked(_Message, frozen=True, tag="LeaseRevoked"):
    """A lease is gone: stop the run, report nothing more about it."""

    run_id: str
    epoch: int
    revoke_reason: str


class AgentDirective(_Message, frozen=True, tag="AgentDirective"):
    """What the agent is to do: PAUSE, RESUME, DRAIN, RECONFIGURE or UPGRADE."""

    kind: str
    directive_reason: str | None = None


class StreamHeartbeat(_Message, frozen=True, tag="StreamHeartbeat"):
    """The stream is alive."""

    server_time: datetime


class StreamClosing(_Message, frozen=True, tag="StreamClosing"):
    """The server will close the socket; open another after the given wait."""

    close_reason: str
    reconnect_after_ms: int
    deadline: datetime


WorkMessage = (
    StreamOpened
    | RunOffered
    | RunCancelRequested
    | RunPauseRequested
    | LeaseRevoked
    | AgentDirective
    | StreamHeartbeat
    | StreamClosing
)


_KNOWN = frozenset(kind.__name__ for kind in get_args(WorkMessage))


def read_message(message: dict[str, Any]) -> WorkMessage | None:
    """Read one message of the stream; None of a kind that a newer server may send.

    Raises:
        ServerFaultError: it is not what its kind is.
    """
    kind = message.get("__typename")
    if isinstance(kind, str) and kind not in _KNOWN:
        _tell_passed_over(kind)
        return None
    try:
        return msgspec.convert(message, WorkMessage)
    except msgspec.ValidationError as error:
        text = f"The work stream brought what it should not: {error}"
        raise ServerFaultError(text) from error


@cache
def _tell_passed_over(kind: str) -> None:
    """Log once that messages of a kind are passed over."""
    logger.warning("The server sends %s, which this agent does not know: update it", kind)
