"""When deployments run next by their schedules."""

from collections.abc import Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.schedules.times import next_times
from headgate_server.services.schedules.read import get_many_of_deployments

MAX_UPCOMING = 100


async def get_many_upcoming(
    work: UnitOfWork, ids_: Sequence[UUID], *, limit: int
) -> dict[UUID, list[datetime]]:
    """Return the next instants at which each deployment runs by schedule; absent where none.

    Args:
        work: the unit of work.
        ids_: the deployments.
        limit: 1 to 100 instants of each deployment.

    Raises:
        InvalidInput: a limit out of range.
    """
    if not 1 <= limit <= MAX_UPCOMING:
        raise InvalidInput(f"first is from 1 to {MAX_UPCOMING}.", path=["first"])
    upcoming: dict[UUID, list[datetime]] = {}
    for deployment_id, found in (await get_many_of_deployments(work, ids_)).items():
        times = [
            next_times(one.spec, after=work.now, limit=limit)
            for one in found
            if one.is_active and one.next_fire_at is not None
        ]
        if any(times):
            upcoming[deployment_id] = list(islice(merge(*times), limit))
    return upcoming
