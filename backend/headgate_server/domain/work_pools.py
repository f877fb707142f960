"""Work pools: where runs wait for agents of one kind."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

TYPES = ("process", "docker", "kubernetes", "ecs")
MAX_CONCURRENCY_LIMIT = 1_000_000


class PoolStatus(StrEnum):
    """Whether runs of a pool can start: an agent is online, none is, or the pool is paused."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True)
class WorkPool:
    """A place where runs wait for agents."""

    workspace_id: UUID
    id: UUID
    name: str
    type: str
    is_paused: bool
    concurrency_limit: int | None
    base_job_template: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits and runs in a pool or a queue right now."""

    ready: int = 0
    scheduled: int = 0
    offered: int = 0
    running: int = 0
    oldest_ready_age: timedelta | None = None


def check_type(type_: str) -> str:
    """Return the type of a pool.

    Raises:
        InvalidInput: no launcher executes runs of this type.
    """
    if type_ not in TYPES:
        raise InvalidInput(f"A pool's type is one of {', '.join(TYPES)}.", path=["type"])
    return type_


def check_limit(limit: int | None) -> int | None:
    """Return a concurrency limit; None is no limit, 0 holds every run back.

    Raises:
        InvalidInput: out of range.
    """
    if limit is not None and not 0 <= limit <= MAX_CONCURRENCY_LIMIT:
        raise InvalidInput(
            f"concurrencyLimit is from 0 to {MAX_CONCURRENCY_LIMIT}.", path=["concurrencyLimit"]
        )
    return limit
