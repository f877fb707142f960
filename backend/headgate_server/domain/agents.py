"""Agents and their sessions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

MAX_CAPACITY = 1000
PROTOCOL_VERSION = 1
OLDEST_WELCOME_VERSION = (0, 1)
"""Agents of an older version work, and are told to upgrade."""
EXPIRED_OFFERS_TO_PAUSE = 5
"""So many offers in a row that nobody claims, and the session is offered nothing more."""
POOL_PAUSED = "The work pool is paused."


class AgentState(StrEnum):
    """What an agent's latest session is doing."""

    ONLINE = "ONLINE"
    PAUSED = "PAUSED"
    DRAINING = "DRAINING"
    OFFLINE = "OFFLINE"
    LOST = "LOST"


class DirectiveKind(StrEnum):
    """What an agent is told to do with itself; the latest one counts."""

    PAUSE = "PAUSE"
    RESUME = "RESUME"
    DRAIN = "DRAIN"
    RECONFIGURE = "RECONFIGURE"
    UPGRADE = "UPGRADE"


@dataclass(frozen=True, slots=True)
class Directive:
    """An order to the agent itself."""

    kind: DirectiveKind
    reason: str | None = None


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
    state_reason: str | None


@dataclass(frozen=True, slots=True)
class AgentSession:
    """One process of an agent, with what it has to know of its pool.

    ``known_pool_version`` is the version of the pool as the process registered; None for a
    process that registered with an older server.
    """

    workspace_id: UUID
    id: UUID
    agent_id: UUID
    agent_name: str
    work_pool_id: UUID
    queue_ids: tuple[UUID, ...] | None
    instance_id: UUID
    capacity: int
    state: AgentState
    state_reason: str | None
    sdk_version: str
    stream_epoch: int
    expired_offers: int
    last_seen_at: datetime
    ended_at: datetime | None
    is_pool_paused: bool
    pool_version: int
    known_pool_version: int | None

    @property
    def directives(self) -> tuple[Directive, ...]:
        """Return the orders that stand: what was ordered before and is not here is over."""
        found: list[Directive] = []
        if self.state is AgentState.DRAINING:
            found.append(Directive(DirectiveKind.DRAIN, self.state_reason))
        elif self.state is AgentState.PAUSED:
            found.append(Directive(DirectiveKind.PAUSE, self.state_reason))
        elif self.is_pool_paused:
            found.append(Directive(DirectiveKind.PAUSE, POOL_PAUSED))
        if self.known_pool_version is not None and self.known_pool_version != self.pool_version:
            found.append(Directive(DirectiveKind.RECONFIGURE, "The work pool was changed."))
        if is_outdated(self.sdk_version):
            wanted = ".".join(map(str, OLDEST_WELCOME_VERSION))
            reason = f"This agent is {self.sdk_version}; the server wants {wanted} or newer."
            found.append(Directive(DirectiveKind.UPGRADE, reason))
        return tuple(found)


def is_outdated(version: str) -> bool:
    """Whether a version is one of numbers, and older than what the server wants."""
    parts = version.split(".")[:2]
    if len(parts) < len(OLDEST_WELCOME_VERSION) or not all(part.isdecimal() for part in parts):
        return False
    return tuple(map(int, parts)) < OLDEST_WELCOME_VERSION


def check_capacity(capacity: int) -> int:
    """Return how many runs a session may hold at once.

    Raises:
        InvalidInput: out of range.
    """
    if not 0 <= capacity <= MAX_CAPACITY:
        raise InvalidInput(f"capacity is from 0 to {MAX_CAPACITY}.", path=["capacity"])
    return capacity
