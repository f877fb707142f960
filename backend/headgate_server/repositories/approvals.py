"""Who started runs, as their histories and the audit log tell it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.states import StateType
from headgate_server.tables.audit_entries import audit_entries
from headgate_server.tables.flow_runs import states

_BY_ITSELF = ("Late", "AwaitingRetry", "Resuming")
"""How a run comes to wait without anybody starting it."""
_BEGINS_BACKFILL = ("backfill.created", "backfill.resumed", "backfill.retried")


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


async def has_begun_backfill(work: UnitOfWork, backfill_id: UUID, *, actor_id: UUID) -> bool:
    """Whether one who acts made a backfill, or let it go on."""
    entry = audit_entries.c
    found = await work.execute(
        select(entry.id)
        .where(
            entry.organization_id == work.organization_id,
            entry.target_id == backfill_id,
            entry.actor_id == actor_id,
            entry.action.in_(_BEGINS_BACKFILL),
        )
        .limit(1)
    )
    return found.first() is not None


async def has_set_schedule(work: UnitOfWork, schedule_id: UUID, *, actor_id: UUID) -> bool:
    """Whether one who acts made a schedule, or changed it last."""
    entry = audit_entries.c
    own = (entry.organization_id == work.organization_id, entry.target_id == schedule_id)
    last = (
        select(entry.id)
        .where(*own, entry.actor_id.is_not(None))
        .order_by(entry.at.desc(), entry.id.desc())
        .limit(1)
    ).scalar_subquery()
    found = await work.execute(
        select(entry.id)
        .where(
            *own,
            entry.actor_id == actor_id,
            or_(entry.action == "schedule.created", entry.id == last),
        )
        .limit(1)
    )
    return found.first() is not None
