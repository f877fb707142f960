"""Agents and their sessions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

MAX_CAPACITY = 1000
PROTOCOL_VERSION = 1


class AgentState(StrEnum):
    """What an agent's latest session is doing."""

    ONLINE = "ONLINE"
    PAUSED = "PAUSED"
    DRAINING = "DRAINING"
    OFFLINE = "OFFLINE"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Agent:
    """A name in a pool under which processes execute runs, as its latest session shows it."""

    workspace_id: UUID
    id: UUID
    work_pool_id: UUID
    name: str
    state: AgentState
    capacity: int
    in_flight: int
    queue_ids: tuple[UUID, ...] | None
    labels: dict[str, Any]
    sdk_version: str
    host: str | None
    last_heartbeat_at: datetime | None
    connected_at: datetime | None


@dataclass(frozen=True, slots=True)
class AgentSession:
    """One process of an agent."""

    workspace_id: UUID
    id: UUID
    agent_id: UUID
    agent_name: str
    work_pool_id: UUID
    queue_ids: tuple[UUID, ...] | None
    instance_id: UUID
    capacity: int
    state: AgentState
    stream_epoch: int
    last_seen_at: datetime
    ended_at: datetime | None


def check_capacity(capacity: int) -> int:
    """Return how many runs a session may hold at once.

    Raises:
        InvalidInput: out of range.
    """
    if not 0 <= capacity <= MAX_CAPACITY:
        raise InvalidInput(f"capacity is from 0 to {MAX_CAPACITY}.", path=["capacity"])
    return capacity
