"""How long runs took: of many flows or deployments at once, and of one over time."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.durations import DurationBuckets, RunDurations, RunOwner
from headgate_server.repositories import durations

Measure = tuple[RunOwner, UUID, timedelta]
"""Whose runs are measured, and how far back."""

NOTHING = RunDurations()


async def get_many_durations(
    work: UnitOfWork, wanted: Sequence[Measure]
) -> dict[Measure, RunDurations]:
    """Return the durations of each flow or deployment over its window: a statement a window."""
    groups: defaultdict[tuple[RunOwner, timedelta], list[UUID]] = defaultdict(list)
    for owner, id_, window in wanted:
        groups[owner, window].append(id_)
    found: dict[Measure, RunDurations] = {}
    for (owner, window), ids in groups.items():
        rows = await durations.measure_owners(work, ids, owner=owner, since=work.now - window)
        found |= {(owner, id_, window): row for id_, row in rows.items()}
    return found


async def read_trend(
    work: UnitOfWork, id_: UUID, *, owner: RunOwner, buckets: DurationBuckets
) -> list[RunDurations]:
    """Return the durations in every bucket, in order; of one without runs there are none."""
    found = await durations.measure_buckets(work, id_, owner=owner, buckets=buckets)
    return [found.get(start, NOTHING) for start in buckets.starts]
