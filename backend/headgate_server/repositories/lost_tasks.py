"""Background tasks whose workers are lost, or do not stop them: found, put back, ended."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.background_tasks import FORCED_MESSAGE, LOST_MESSAGE, MAX_LOSSES
from headgate_server.repositories.statements import named
from headgate_server.tables.background_tasks import background_tasks

own = background_tasks.c


async def end_lost_tasks(work: UnitOfWork, *, most: int) -> list[UUID]:
    """End what no worker is to take again of what lost its worker, have the rest wait; the ids."""
    rows = await work.execute(
        named("end_lost_background_tasks"),
        {
            "workspace_id": work.workspace_id,
            "now": work.now,
            "most_losses": MAX_LOSSES,
            "message": LOST_MESSAGE,
            "most": most,
        },
    )
    return list(rows.scalars())


async def force_cancels(work: UnitOfWork, *, asked_before: datetime, most: int) -> list[UUID]:
    """End the calls that workers have and were asked to stop before a time, and return the ids."""
    rows = await work.execute(
        named("force_background_cancels"),
        {
            "workspace_id": work.workspace_id,
            "now": work.now,
            "asked_before": asked_before,
            "message": FORCED_MESSAGE,
            "most": most,
        },
    )
    return list(rows.scalars())


async def list_workspaces_with_lost(
    work: UnitOfWork, *, asked_before: datetime, most: int
) -> list[UUID]:
    """Return the workspaces that have calls whose lease has run out, or whose cancel is stuck."""
    rows = await work.execute(
        select(own.workspace_id)
        .where(
            own.leased_until.is_not(None),
            or_(own.leased_until <= work.now, own.cancel_requested_at <= asked_before),
        )
        .distinct()
        .limit(most)
    )
    return list(rows.scalars())
