"""Who holds slots of concurrency limits, and who waits for some."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select
from sqlalchemy.sql.dml import ReturningDelete

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.concurrency_limits import Holder, Waiter
from headgate_server.domain.leases import Phase
from headgate_server.tables.concurrency_limits import concurrency_slots, concurrency_waiters
from headgate_server.tables.work_pools import work_items

_SLOT, _WAITER = concurrency_slots.c, concurrency_waiters.c


async def list_holders(work: UnitOfWork, *, limit_id: UUID, most: int) -> list[Holder]:
    """Return who holds slots of a limit, the longest first."""
    rows = await work.execute(
        select(
            concurrency_slots,
            func.coalesce(_SLOT.expires_at, work_items.c.fence_until, work.now).label("until"),
        )
        .outerjoin(
            work_items,
            and_(
                work_items.c.workspace_id == _SLOT.workspace_id,
                work_items.c.run_id == _SLOT.run_id,
            ),
        )
        .where(
            _SLOT.workspace_id == work.workspace_id,
            _SLOT.limit_id == limit_id,
            or_(_SLOT.expires_at.is_(None), _SLOT.expires_at > work.now),
        )
        .order_by(_SLOT.acquired_at, _SLOT.lease_id)
        .limit(most)
    )
    return [
        Holder(
            lease_id=row.lease_id,
            run_id=row.run_id,
            task_id=row.task_id,
            slots=row.slots,
            acquired_at=row.acquired_at,
            expires_at=row.until,
        )
        for row in rows
    ]


async def list_waiters(work: UnitOfWork, *, limit_id: UUID, most: int) -> list[Waiter]:
    """Return who waits for slots of a limit, in the order of the line."""
    rows = await work.execute(
        select(concurrency_waiters)
        .where(
            _WAITER.workspace_id == work.workspace_id,
            _WAITER.limit_id == limit_id,
            _WAITER.expires_at > work.now,
            or_(_WAITER.run_id.is_(None), _is_taken(_WAITER.run_id)),
        )
        .order_by(_WAITER.priority.desc(), _WAITER.since, _WAITER.lease_id)
        .limit(most)
    )
    return [
        Waiter(
            lease_id=row.lease_id,
            position=position,
            run_id=row.run_id,
            task_id=row.task_id,
            slots=row.slots,
            priority=row.priority,
            since=row.since,
        )
        for position, row in enumerate(rows, 1)
    ]


def _is_taken(run_id: ColumnElement[UUID | None]) -> ColumnElement[bool]:
    """Whether a process has a run: one that is over leaves its places in line behind."""
    item = work_items.c
    return (
        select(item.run_id)
        .where(
            item.workspace_id == _WAITER.workspace_id,
            item.run_id == run_id,
            item.phase != Phase.READY,
        )
        .exists()
    )


async def free_of_tasks(work: UnitOfWork, task_ids: Sequence[UUID]) -> bool:
    """Take back what background tasks hold and wait for; whether that was anything.

    What was taken of a rate is nobody's, and runs off. What somebody else is giving back is left.
    """
    held = await work.execute(_of_tasks(work, concurrency_slots, task_ids))
    waited = await work.execute(_of_tasks(work, concurrency_waiters, task_ids))
    return bool([*held, *waited])


def _of_tasks(work: UnitOfWork, table: Table, task_ids: Sequence[UUID]) -> ReturningDelete[Any]:
    free = (
        select(table.c.limit_id, table.c.lease_id)
        .where(table.c.workspace_id == work.workspace_id, table.c.task_id.in_(task_ids))
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    gone = delete(table).where(
        table.c.workspace_id == work.workspace_id,
        table.c.limit_id == free.c.limit_id,
        table.c.lease_id == free.c.lease_id,
    )
    return gone.returning(table.c.limit_id)
