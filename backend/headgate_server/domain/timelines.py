"""The timeline of a run's task runs: every one where they are few, counts where they are many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.states import StateType

DEFAULT_MOST, MAX_MOST = 500, 2_000
DEFAULT_SLOTS, MAX_SLOTS = 120, 400
MAX_LANES = 50
"""So many tasks have a lane of their own among the counts; the others share one."""
SHORTEST = timedelta(milliseconds=1)


class TimelineDetail(StrEnum):
    """How much of a timeline is shown."""

    TASK_RUNS = "TASK_RUNS"
    COUNTS = "COUNTS"


@dataclass(frozen=True, slots=True)
class TimelineRequest:
    """Which part of a timeline is wanted, and how fine.

    Args:
        low: where it begins; None where the first task run does.
        high: before when it ends; None with the last task run, or now.
        most: up to so many task runs are shown one by one.
        slots: into so many parts the time is cut where they are counted.
    """

    low: datetime | None = None
    high: datetime | None = None
    most: int = DEFAULT_MOST
    slots: int = DEFAULT_SLOTS


@dataclass(frozen=True, slots=True)
class Extent:
    """What a run's timeline holds: all its task runs, and those that fall into the window."""

    total: int
    unbegun: int
    shown: int
    low: datetime | None
    high: datetime | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A task run on a timeline; one that ended without running begins as it ends."""

    id: UUID
    name: str
    task_key: str
    map_index: int | None
    attempt: int
    state_type: StateType
    state_name: str
    begun_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class TimelineCount:
    """How many task runs of a lane, now in a state, began and ended in a slot.

    What began before the window counts in slot 0; ``task_key`` is None for the tasks that share.
    """

    task_key: str | None
    slot: int
    state_type: StateType
    begun: int
    ended: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """A window of a run's timeline; either its bars or its counts are there."""

    extent: Extent
    low: datetime
    high: datetime
    slot: timedelta
    bars: Sequence[Bar] | None
    counts: Sequence[TimelineCount] | None


def check_request(request: TimelineRequest) -> TimelineRequest:
    """Return a request that is within the limits.

    Raises:
        InvalidInput: it is not.
    """
    if not 1 <= request.most <= MAX_MOST:
        raise InvalidInput(f"most is from 1 to {MAX_MOST:,}.", path=["most"])
    if not 1 <= request.slots <= MAX_SLOTS:
        raise InvalidInput(f"slots is from 1 to {MAX_SLOTS}.", path=["slots"])
    if request.low is not None and request.high is not None and not request.low < request.high:
        raise InvalidInput("from is before to.", path=["from"])
    return request
