"""Reads the work items of live runs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.leases import Phase, WorkItem
from headgate_server.tables.work_pools import work_items


async def get_many_items(work: UnitOfWork, run_ids: Sequence[UUID]) -> dict[UUID, WorkItem]:
    """Return the work items of the runs that are live, by run."""
    item = work_items.c
    rows = await work.execute(
        select(work_items).where(
            item.workspace_id == work.workspace_id, item.run_id.in_(run_ids)
        )
    )
    return {
        row.run_id: WorkItem(
            workspace_id=row.workspace_id,
            run_id=row.run_id,
            work_pool_id=row.work_pool_id,
            work_queue_id=row.work_queue_id,
            queue_priority=row.queue_priority,
            priority=row.priority,
            due_at=row.due_at,
            phase=Phase(row.phase),
            session_id=row.session_id,
            token=row.token,
            epoch=row.epoch,
            fence_until=row.fence_until,
            last_seen_at=row.last_seen_at,
            offered_at=row.offered_at,
            claimed_at=row.claimed_at,
            deliveries=row.deliveries,
            cancel_requested_at=row.cancel_requested_at,
            cancel_reason=row.cancel_reason,
            cancel_grace_seconds=row.cancel_grace_seconds,
        )
        for row in rows
    }
