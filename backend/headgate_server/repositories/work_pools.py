"""Work pools: their rows, their backlog, and whether an agent serves them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.work_pools import Backlog, PoolStatus, WorkPool
from headgate_server.repositories import pages
from headgate_server.tables.work_pools import READY, agent_sessions, work_items, work_pools


async def insert_pool(
    work: UnitOfWork, *, id_: UUID, name: str, type_: str, values: dict[str, Any]
) -> WorkPool | None:
    """Store a pool; None when the workspace has one of this name."""
    statement = (
        insert(work_pools)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            name=name,
            type=type_,
            created_at=work.now,
            updated_at=work.now,
            **values,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "name"])
        .returning(work_pools)
    )
    row = (await work.execute(statement)).one_or_none()
    return _pool(row) if row is not None else None


async def lock_pool(work: UnitOfWork, *, name: str) -> WorkPool | None:
    """Return the pool of a name and keep others from changing it until the transaction ends."""
    statement = (
        select(work_pools)
        .where(work_pools.c.workspace_id == work.workspace_id, work_pools.c.name == name)
        .with_for_update(key_share=True)
    )
    row = (await work.execute(statement)).one_or_none()
    return _pool(row) if row is not None else None


async def update_pool(work: UnitOfWork, *, id_: UUID, changes: dict[str, Any]) -> WorkPool:
    """Write changed columns of a locked pool and raise its version."""
    statement = (
        update(work_pools)
        .where(work_pools.c.workspace_id == work.workspace_id, work_pools.c.id == id_)
        .values(**changes, version=work_pools.c.version + 1, updated_at=work.now)
        .returning(work_pools)
    )
    return _pool((await work.execute(statement)).one())


async def find_by_name(work: UnitOfWork, *, name: str) -> WorkPool | None:
    """Return the pool of a name."""
    statement = select(work_pools).where(
        work_pools.c.workspace_id == work.workspace_id, work_pools.c.name == name
    )
    row = (await work.execute(statement)).one_or_none()
    return _pool(row) if row is not None else None


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, WorkPool]:
    """Return those of the pools that exist, by id."""
    statement = select(work_pools).where(
        work_pools.c.workspace_id == work.workspace_id, work_pools.c.id.in_(ids)
    )
    return {row.id: _pool(row) for row in await work.execute(statement)}


async def list_pools(work: UnitOfWork, *, page: PageRequest) -> Page[WorkPool]:
    """Return a page of pools by name and id."""
    statement = select(work_pools).where(work_pools.c.workspace_id == work.workspace_id)
    sort = pages.by(work_pools.c.name, work_pools.c.id)
    return await pages.read(work, statement, sort=sort, page=page, make=_pool)


async def count_pools(work: UnitOfWork, *, cap: int) -> int:
    """Return how many pools there are, up to ``cap + 1``."""
    statement = select(work_pools).where(work_pools.c.workspace_id == work.workspace_id)
    return await pages.count(work, statement, cap=cap)


async def statuses(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, PoolStatus]:
    """Return of each pool whether it is paused, served by an online session, or neither."""
    is_served = (
        select(agent_sessions.c.id)
        .where(
            agent_sessions.c.workspace_id == work.workspace_id,
            agent_sessions.c.work_pool_id == work_pools.c.id,
            agent_sessions.c.ended_at.is_(None),
            agent_sessions.c.state == "ONLINE",
        )
        .exists()
    )
    statement = select(work_pools.c.id, work_pools.c.is_paused, is_served.label("is_served")).where(
        work_pools.c.workspace_id == work.workspace_id, work_pools.c.id.in_(ids)
    )
    return {
        row.id: PoolStatus.PAUSED
        if row.is_paused
        else PoolStatus.READY
        if row.is_served
        else PoolStatus.NOT_READY
        for row in await work.execute(statement)
    }


async def backlogs_by_pool(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Backlog]:
    """Return what waits and runs in each of the pools that have any work, in one query."""
    return await _backlogs(work, column=work_items.c.work_pool_id, ids=ids)


async def backlogs_by_queue(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Backlog]:
    """Return what waits and runs in each of the queues that have any work, in one query."""
    return await _backlogs(work, column=work_items.c.work_queue_id, ids=ids)


async def _backlogs(
    work: UnitOfWork, *, column: Column[Any], ids: Sequence[UUID]
) -> dict[UUID, Backlog]:
    phase, due_at, count = work_items.c.phase, work_items.c.due_at, func.count()
    is_ready = phase == READY
    statement = (
        select(
            column.label("owner_id"),
            count.filter(is_ready, due_at <= work.now).label("ready"),
            count.filter(is_ready, due_at > work.now).label("scheduled"),
            count.filter(phase == "OFFERED").label("offered"),
            count.filter(phase.in_(["CLAIMED", "RUNNING"])).label("running"),
            func.min(due_at).filter(is_ready, due_at <= work.now).label("oldest_due_at"),
        )
        .where(work_items.c.workspace_id == work.workspace_id, column.in_(ids))
        .group_by(column)
    )
    return {
        row.owner_id: Backlog(
            ready=row.ready,
            scheduled=row.scheduled,
            offered=row.offered,
            running=row.running,
            oldest_ready_age=work.now - row.oldest_due_at if row.oldest_due_at else None,
        )
        for row in await work.execute(statement)
    }


def _pool(row: Row[Any]) -> WorkPool:
    return WorkPool(
        workspace_id=row.workspace_id,
        id=row.id,
        name=row.name,
        type=row.type,
        is_paused=row.is_paused,
        concurrency_limit=row.concurrency_limit,
        base_job_template=row.base_job_template,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
