"""When schedules fire next, and deployments by them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.schedules.preview import check_limit
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.upcoming import Ahead, next_of_many
from headgate_server.repositories import schedule_fires
from headgate_server.services.schedules.read import get_many_of_deployments


def look_ahead(schedule: Schedule, waiting: Sequence[datetime]) -> Ahead:
    """Return what a schedule has ahead: the instants whose runs wait, and what is to come."""
    next_at = schedule.next_fire_at if schedule.is_active else None
    return Ahead(schedule.spec, next_at, tuple(waiting))


async def get_many_waiting(
    work: UnitOfWork, ids_: Sequence[UUID], *, limit: int
) -> dict[UUID, list[datetime]]:
    """Return the instants ahead at which runs of schedules wait already; absent where none does.

    Args:
        work: the unit of work.
        ids_: the schedules.
        limit: so many of each, from the next one on.
    """
    return await schedule_fires.list_waiting(work, ids_, after=work.now, limit=limit)


async def get_many_upcoming(
    work: UnitOfWork, ids_: Sequence[UUID], *, limit: int
) -> dict[UUID, list[datetime]]:
    """Return the next instants at which each deployment runs by schedule; absent where none.

    Fewer come of rules that fire so seldom that looking for more would take too long.

    Args:
        work: the unit of work.
        ids_: the deployments.
        limit: 1 to 100 instants of each deployment.

    Raises:
        InvalidInput: a limit out of range.
    """
    check_limit(limit)
    found = await get_many_of_deployments(work, ids_)
    own = [one.id for schedules in found.values() for one in schedules]
    waiting = await get_many_waiting(work, own, limit=limit) if own else {}
    ahead = {
        deployment_id: [look_ahead(one, waiting.get(one.id, ())) for one in schedules]
        for deployment_id, schedules in found.items()
    }
    # Rules that fire seldom are walked for decades of days: others go on meanwhile.
    return await asyncio.to_thread(next_of_many, ahead, after=work.now, limit=limit, steps=Steps())
