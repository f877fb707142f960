"""Work queues."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.pagination import Beginning, Page, PageRequest
from headgate_server.domain.work_queues import WorkQueue
from headgate_server.repositories import pages
from headgate_server.tables.work_pools import work_items, work_queues


async def insert_queue(
    work: UnitOfWork, *, id_: UUID, work_pool_id: UUID, name: str, values: dict[str, Any]
) -> WorkQueue | None:
    """Store a queue; None when the pool has one of this name."""
    statement = (
        insert(work_queues)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            work_pool_id=work_pool_id,
            name=name,
            created_at=work.now,
            updated_at=work.now,
            **values,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "work_pool_id", "name"])
        .returning(work_queues)
    )
    row = (await work.execute(statement)).one_or_none()
    return _queue(row) if row is not None else None


async def lock_queue(work: UnitOfWork, *, work_pool_id: UUID, name: str) -> WorkQueue | None:
    """Return the queue of a name and keep others from changing it until the transaction ends."""
    statement = (
        select(work_queues)
        .where(
            work_queues.c.workspace_id == work.workspace_id,
            work_queues.c.work_pool_id == work_pool_id,
            work_queues.c.name == name,
        )
        .with_for_update(key_share=True)
    )
    row = (await work.execute(statement)).one_or_none()
    return _queue(row) if row is not None else None


async def update_queue(work: UnitOfWork, *, id_: UUID, changes: dict[str, Any]) -> WorkQueue:
    """Write changed columns of a locked queue and raise its version."""
    statement = (
        update(work_queues)
        .where(work_queues.c.workspace_id == work.workspace_id, work_queues.c.id == id_)
        .values(**changes, version=work_queues.c.version + 1, updated_at=work.now)
        .returning(work_queues)
    )
    return _queue((await work.execute(statement)).one())


async def keep_makers_off(work: UnitOfWork, *, id_: UUID, priority: int) -> None:
    """Let nobody make runs in a locked queue, from before it gets a priority until that commits.

    Whoever makes a run refers to the queue: they are waited for, and what they made is seen then;
    who comes later waits, and reads the priority as it is by then. The items that will change come
    first, as for those who make runs under a lease.
    """
    ids = select(work_items.c.run_id).where(*_placed_otherwise(work, id_, priority))
    await work.execute(ids.order_by(work_items.c.run_id).with_for_update())
    own = select(work_queues.c.id).where(
        work_queues.c.workspace_id == work.workspace_id, work_queues.c.id == id_
    )
    await work.execute(own.with_for_update())


async def move_items(work: UnitOfWork, *, id_: UUID, priority: int) -> None:
    """Let all live work of a queue take its new place among the others.

    What goes back to wait keeps the place that its row says.
    """
    await work.execute(
        update(work_items)
        .where(*_placed_otherwise(work, id_, priority))
        .values(queue_priority=priority)
    )


def _placed_otherwise(work: UnitOfWork, id_: UUID, priority: int) -> list[ColumnElement[bool]]:
    return [
        work_items.c.workspace_id == work.workspace_id,
        work_items.c.work_queue_id == id_,
        work_items.c.queue_priority != priority,
    ]


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, WorkQueue]:
    """Return those of the queues that exist, by id."""
    statement = select(work_queues).where(
        work_queues.c.workspace_id == work.workspace_id, work_queues.c.id.in_(ids)
    )
    return {row.id: _queue(row) for row in await work.execute(statement)}


async def get_many_of_pools(
    work: UnitOfWork, pool_ids: Sequence[UUID]
) -> dict[UUID, list[WorkQueue]]:
    """Return the queues of each pool, served first first; a pool without any is absent."""
    statement = (
        select(work_queues)
        .where(
            work_queues.c.workspace_id == work.workspace_id,
            work_queues.c.work_pool_id.in_(pool_ids),
        )
        .order_by(work_queues.c.priority, work_queues.c.name)
    )
    found: dict[UUID, list[WorkQueue]] = {}
    for row in await work.execute(statement):
        found.setdefault(row.work_pool_id, []).append(_queue(row))
    return found


async def get_first_of_pools(
    work: UnitOfWork, pool_ids: Sequence[UUID]
) -> dict[UUID, Beginning[WorkQueue]]:
    """Return the first queues of each pool, served first first; a pool without any is absent."""

    def of(some: Sequence[UUID]) -> Select[Any]:
        return select(work_queues).where(
            work_queues.c.workspace_id == work.workspace_id,
            work_queues.c.work_pool_id.in_(some),
        )

    return await pages.read_beginnings(
        work,
        pool_ids,
        of,
        owner=work_queues.c.work_pool_id,
        sort=pages.by(work_queues.c.priority, work_queues.c.name),
        make=_queue,
    )


async def list_queues(
    work: UnitOfWork, *, work_pool_id: UUID, page: PageRequest
) -> Page[WorkQueue]:
    """Return a page of a pool's queues, by priority, name and id."""
    sort = pages.by(work_queues.c.priority, work_queues.c.name, work_queues.c.id)
    return await pages.read(work, _of_pool(work, work_pool_id), sort=sort, page=page, make=_queue)


async def count_queues(work: UnitOfWork, *, work_pool_id: UUID, cap: int) -> int:
    """Return how many queues a pool has, up to ``cap + 1``."""
    return await pages.count(work, _of_pool(work, work_pool_id), cap=cap)


def _of_pool(work: UnitOfWork, work_pool_id: UUID) -> Select[Any]:
    return select(work_queues).where(
        work_queues.c.workspace_id == work.workspace_id,
        work_queues.c.work_pool_id == work_pool_id,
    )


def _queue(row: Row[Any]) -> WorkQueue:
    return WorkQueue(
        workspace_id=row.workspace_id,
        id=row.id,
        work_pool_id=row.work_pool_id,
        name=row.name,
        priority=row.priority,
        is_paused=row.is_paused,
        concurrency_limit=row.concurrency_limit,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
