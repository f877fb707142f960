"""Reads work items for showing."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.leases import PauseKind, Phase, WorkItem
from headgate_server.domain.pagination import Beginning
from headgate_server.repositories import pages
from headgate_server.tables.work_pools import agent_sessions, work_items


async def get_many_work_items(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, WorkItem]:
    """Return the work items of those runs that are live, by the run's id."""
    rows = await work.execute(
        select(work_items, agent_sessions.c.agent_id)
        .outerjoin(
            agent_sessions,
            (agent_sessions.c.workspace_id == work_items.c.workspace_id)
            & (agent_sessions.c.id == work_items.c.session_id),
        )
        .where(work_items.c.workspace_id == work.workspace_id, work_items.c.run_id.in_(ids))
    )
    return {row.run_id: _to_item(row) for row in rows}


async def list_runs_of_agents(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Beginning[UUID]]:
    """Return the first runs that each agent's sessions hold, the oldest claim first."""

    def held(some: Sequence[UUID]) -> Select[Any]:
        return (
            select(work_items.c.run_id)
            .join(
                agent_sessions,
                (agent_sessions.c.workspace_id == work_items.c.workspace_id)
                & (agent_sessions.c.id == work_items.c.session_id),
            )
            .where(
                work_items.c.workspace_id == work.workspace_id,
                work_items.c.phase.in_([Phase.CLAIMED, Phase.RUNNING]),
                agent_sessions.c.agent_id.in_(some),
            )
        )

    return await pages.read_beginnings(
        work,
        ids,
        held,
        owner=agent_sessions.c.agent_id,
        sort=pages.by(work_items.c.claimed_at, work_items.c.run_id),
        make=attrgetter("run_id"),
    )


def _to_item(row: Row[Any]) -> WorkItem:
    return WorkItem(
        workspace_id=row.workspace_id,
        run_id=row.run_id,
        work_pool_id=row.work_pool_id,
        work_queue_id=row.work_queue_id,
        queue_priority=row.queue_priority,
        priority=row.priority,
        due_at=row.due_at,
        phase=Phase(row.phase),
        session_id=row.session_id,
        agent_id=row.agent_id,
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
        pause_key=row.pause_key,
        pause_kind=PauseKind(row.pause_kind) if row.pause_kind else None,
    )
