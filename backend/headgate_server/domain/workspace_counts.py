"""What a workspace's people look at first: how much runs, waits, is late, and has ended of late."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.run_counts import HOUR, Buckets
from headgate_server.domain.states import StateType

DAY = timedelta(days=1)
MAX_WINDOW = 180 * DAY


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """Counts of what is there now, each up to one beyond the cap that was asked for.

    Args:
        running: runs whose user code runs.
        pending: runs that an agent has taken and not started yet.
        paused: runs that wait for an answer or a time.
        cancelling: runs that are being cancelled.
        waiting: runs that are due and not taken yet; late ones are among them.
        scheduled: runs that are due later.
        late: runs that wait beyond their threshold.
        questions: pauses that wait for an answer.
        failing: open or regressed failure groups that were seen in the window.
    """

    running: int
    pending: int
    paused: int
    cancelling: int
    waiting: int
    scheduled: int
    late: int
    questions: int
    failing: int


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """Counts of a workspace's pools, and of the agents that serve them."""

    pools: int
    paused: int
    unserved: int
    agents_online: int
    capacity: int
    taken: int


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """The runs that were due in a window, and in the one before it, by the state they are in."""

    since: datetime
    in_window: Mapping[StateType, int]
    before: Mapping[StateType, int]


def window_buckets(window: timedelta, *, now: datetime) -> Buckets:
    """Return two buckets: the window that ends with the hour of ``now``, and the one before it.

    Raises:
        InvalidInput: not whole hours, or too long.
    """
    if window % HOUR or not HOUR <= window <= MAX_WINDOW:
        raise InvalidInput(
            f"window is whole hours, from one up to {MAX_WINDOW.days} days.", path=["window"]
        )
    high = now.replace(minute=0, second=0, microsecond=0) + HOUR
    return Buckets(high - 2 * window, high, window)
