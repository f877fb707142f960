"""Who started runs, as their histories tell it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.states import StateType
from headgate_server.tables.flow_runs import states

_BY_ITSELF = ("Late", "AwaitingRetry", "Resuming")
"""How a run comes to wait without anybody starting it."""


async def has_started(work: UnitOfWork, run_ids: Sequence[UUID], *, actor_id: UUID) -> bool:
    """Whether one who acts made one of the runs, or put it back to be started again."""
    found = await work.execute(
        select(states.c.sequence)
        .where(
            states.c.workspace_id == work.workspace_id,
            states.c.flow_run_id.in_(run_ids),
            states.c.actor_id == actor_id,
            or_(
                states.c.sequence == 1,
                (states.c.type == StateType.SCHEDULED) & states.c.name.not_in(_BY_ITSELF),
            ),
        )
        .limit(1)
    )
    return found.first() is not None
