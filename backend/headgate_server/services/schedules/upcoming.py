"""When deployments run next by their schedules."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.upcoming import Active, next_of_many
from headgate_server.services.schedules.read import get_many_of_deployments

MAX_UPCOMING = 100


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
    if not 1 <= limit <= MAX_UPCOMING:
        raise InvalidInput(f"first is from 1 to {MAX_UPCOMING}.", path=["first"])
    found = await get_many_of_deployments(work, ids_)
    active = {
        deployment_id: [
            Active(one.spec, one.next_fire_at)
            for one in schedules
            if one.is_active and one.next_fire_at is not None
        ]
        for deployment_id, schedules in found.items()
    }
    # Rules that fire seldom are walked for decades of days: others go on meanwhile.
    return await asyncio.to_thread(next_of_many, active, after=work.now, limit=limit, steps=Steps())
