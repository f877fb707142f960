"""The numbers that a workspace's first page shows."""

from collections import defaultdict
from datetime import datetime, timedelta

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.pagination import COUNT_CAP
from headgate_server.domain.states import StateType
from headgate_server.domain.workspace_counts import (
    LiveCounts,
    PoolCounts,
    WindowCounts,
    window_buckets,
)
from headgate_server.repositories import workspace_counts
from headgate_server.services.flow_runs.counts import read_counts


async def count_window(work: UnitOfWork, *, window: timedelta) -> WindowCounts:
    """Return the runs that were due in the last hours, and in as many before them, by state.

    Read from counted hours, so that it costs the same for any number of runs.

    Raises:
        InvalidInput: not whole hours, or too many.
    """
    buckets = window_buckets(window, now=work.now)
    found: defaultdict[int, dict[StateType, int]] = defaultdict(dict)
    for (place, state), size in (await read_counts(work, buckets=buckets)).items():
        found[place][state] = size
    return WindowCounts(since=buckets.start(1), in_window=found[1], before=found[0])


async def count_live(work: UnitOfWork, *, since: datetime, cap: int = COUNT_CAP) -> LiveCounts:
    """Return what is there now; ``cap + 1`` stands for more than ``cap``."""
    return await workspace_counts.count_live(work, since=since, cap=cap)


async def count_pools(work: UnitOfWork) -> PoolCounts:
    """Return how many pools there are, and what serves them."""
    return await workspace_counts.count_pools(work)
