"""Work queues: the lanes of a pool, each with a priority."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

DEFAULT_NAME = "default"
DEFAULT_PRIORITY = 10
MIN_PRIORITY, MAX_PRIORITY = 1, 1000


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """A lane of a pool; a lower priority number is served first."""

    workspace_id: UUID
    id: UUID
    work_pool_id: UUID
    name: str
    priority: int
    is_paused: bool
    concurrency_limit: int | None
    version: int
    created_at: datetime
    updated_at: datetime


def check_priority(priority: int) -> int:
    """Return a queue's priority.

    Raises:
        InvalidInput: out of range.
    """
    if not MIN_PRIORITY <= priority <= MAX_PRIORITY:
        raise InvalidInput(
            f"A queue's priority is from {MIN_PRIORITY} (served first) to {MAX_PRIORITY}.",
            path=["priority"],
        )
    return priority
