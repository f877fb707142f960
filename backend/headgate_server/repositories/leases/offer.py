"""Hands ready runs of a pool to sessions with room."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, case, exists, func, not_, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.due_looks import Oldest, Start
from headgate_server.domain.leases import Offer
from headgate_server.domain.schedules.plan import MISSED_AFTER
from headgate_server.repositories.leases.at_once import most_at_once
from headgate_server.repositories.leases.rooms import DeploymentRoom
from headgate_server.repositories.statements import named, packed
from headgate_server.tables.work_pools import READY, work_items, work_pools, work_queues

AGAIN_AT_ONCE = timedelta(seconds=1)
"""So soon a pool is looked at again whose runs may wait for those of other pools."""


@dataclass(frozen=True, slots=True)
class PoolRoom:
    """What a pool may hand out now; ``room`` is None where the pool has no limit.

    ``most_at_once`` is what agents may hold of the whole organization; 0 is no limit.
    """

    is_paused: bool
    room: int | None
    most_at_once: int = 0


@dataclass(frozen=True, slots=True)
class QueueRoom:
    """A queue that serves now; ``room`` is None where it has no limit.

    ``has_limited``: runs of deployments with a limit wait in it.
    """

    id: UUID
    room: int | None
    has_limited: bool


async def pool_room(work: UnitOfWork, work_pool_id: UUID) -> PoolRoom | None:
    """Return a pool's room; a limited pool stays locked until the transaction ends.

    The lock is a statement of its own: counted in the statement that takes it, the count would be
    older than the lock, and two replicas together would pass the limit.
    """
    pool = (
        await work.execute(
            select(
                work_pools.c.is_paused,
                work_pools.c.concurrency_limit,
                most_at_once(work.workspace_id).label("most_at_once"),
            ).where(work_pools.c.id == work_pool_id, work_pools.c.workspace_id == work.workspace_id)
        )
    ).one_or_none()
    if pool is None:
        return None
    if pool.is_paused or pool.concurrency_limit is None:
        return PoolRoom(is_paused=pool.is_paused, room=None, most_at_once=pool.most_at_once)
    limit = (
        await work.execute(
            select(work_pools.c.concurrency_limit)
            .where(work_pools.c.id == work_pool_id, work_pools.c.workspace_id == work.workspace_id)
            .with_for_update(key_share=True)
        )
    ).scalar_one()
    taken = await _count_taken(work, work_items.c.work_pool_id == work_pool_id)
    room = max((limit or 0) - taken, 0)
    return PoolRoom(is_paused=False, room=room, most_at_once=pool.most_at_once)


async def queue_rooms(work: UnitOfWork, work_pool_id: UUID) -> list[QueueRoom]:
    """Return the queues of a pool that serve now, limited ones locked, most urgent first.

    Who makes runs refers to the queue, and is not kept from that: they hold a deployment's limit.
    """
    of_pool = (
        work_queues.c.work_pool_id == work_pool_id,
        work_queues.c.workspace_id == work.workspace_id,
        work_queues.c.is_paused.is_(False),
    )
    found = (
        await work.execute(
            select(
                work_queues.c.id,
                work_queues.c.concurrency_limit,
                exists()
                .where(
                    work_items.c.work_queue_id == work_queues.c.id,
                    work_items.c.phase == READY,
                    not_(work_items.c.is_held),
                    work_items.c.is_limited,
                )
                .label("has_limited"),
            )
            .where(*of_pool)
            .order_by(work_queues.c.priority, work_queues.c.id)
        )
    ).all()
    limited = [row.id for row in found if row.concurrency_limit is not None]
    room: dict[UUID, int] = {}
    if limited:
        locked = await work.execute(
            select(work_queues.c.id, work_queues.c.concurrency_limit)
            .where(*of_pool, work_queues.c.id.in_(limited))
            .order_by(work_queues.c.id)
            .with_for_update(key_share=True)
        )
        # What counts is the limit under the lock. One that was paused meanwhile is not there.
        limits = {row.id: row.concurrency_limit for row in locked}
        room = {id_: 0 for id_ in limited if id_ not in limits}
        for id_, limit in limits.items():
            if limit is not None:
                taken = await _count_taken(work, work_items.c.work_queue_id == id_)
                room[id_] = max(limit - taken, 0)
    return [
        QueueRoom(id=row.id, room=room.get(row.id), has_limited=row.has_limited) for row in found
    ]


async def _count_taken(work: UnitOfWork, condition: object) -> int:
    count = await work.execute(
        select(func.count()).select_from(work_items).where(condition, work_items.c.phase != READY)  # type: ignore[arg-type]  # a clause
    )
    return int(count.scalar_one())


async def offer_runs(
    work: UnitOfWork,
    *,
    work_pool_id: UUID,
    session_ids: Sequence[UUID],
    queue_rooms: Mapping[UUID, int | None],
    most: int,
    offer_ttl: timedelta,
    deployment_rooms: Sequence[DeploymentRoom] = (),
    start: Start | None = None,
) -> list[Offer]:
    """Offer up to ``most`` due runs to the sessions' free slots, round-robin.

    Two replicas never offer one run twice: rows are locked with SKIP LOCKED and leased in one
    statement. Order: queue priority, run priority (high first), due time. What was due before
    ``start`` is left, and what agents were offered before takes none of their slots.
    """
    room = [
        {"queue_id": queue_id, "room": room}
        for queue_id, room in queue_rooms.items()
        if room is not None
    ]
    start = start or Start()
    result = await work.execute(
        named("offer_runs"),
        {
            "work_pool_id": work_pool_id,
            "session_ids": list(session_ids),
            "queue_ids": list(queue_rooms),
            "queue_room": packed(room),
            "deployment_room": packed(
                [
                    {"queue_id": one.queue_id, "deployment_id": one.deployment_id, "room": one.room}
                    for one in deployment_rooms
                ]
            ),
            "most": most,
            "now": work.now,
            "due_since": start.due,
            "held_since": start.held,
            "offer_ttl": offer_ttl,
            "missed_after": MISSED_AFTER,
        },
    )
    return [Offer(**row) for row in result.mappings()]


async def order_queues(
    work: UnitOfWork,
    queue_ids: Iterable[UUID],
    deployment_rooms: Sequence[DeploymentRoom],
    *,
    start: Start,
) -> list[UUID]:
    """Return those of some queues in which runs may be offered, as they come to be served.

    Without a lock: who offers looks again. The order is that of ``offer_runs``.
    """
    found = await work.execute(
        named("order_queues"),
        {
            "workspace_id": work.workspace_id,
            "queue_ids": list(queue_ids),
            "limited_queue_ids": [one.queue_id for one in deployment_rooms],
            "limited_ids": [one.deployment_id for one in deployment_rooms],
            "now": work.now,
            "due_since": start.due,
            "held_since": start.held,
        },
    )
    return list(found.scalars())


async def find_oldest(work: UnitOfWork, work_pool_id: UUID, *, start: Start) -> Oldest:
    """Return the oldest due and held runs of a pool from a start on, without a lock."""
    of_pool = work_items.c.work_pool_id == work_pool_id
    due = select(func.min(work_items.c.due_at)).where(
        of_pool,
        work_items.c.phase == READY,
        not_(work_items.c.is_held),
        work_items.c.due_at >= start.due,
        work_items.c.due_at <= work.now,
    )
    held = select(func.min(work_items.c.offered_at)).where(
        of_pool, work_items.c.phase != READY, work_items.c.offered_at >= start.held
    )
    oldest = select(due.scalar_subquery().label("due"), held.scalar_subquery().label("held"))
    return Oldest(**(await work.execute(oldest)).mappings().one())


async def next_due_at(work: UnitOfWork, work_pool_id: UUID) -> datetime | None:
    """Return when the next run of a pool that is not due yet will be.

    Where runs wait and the organization may have but so many at once, that is soon: when one of
    another pool ends, nobody says so here.
    """
    ready = (
        work_items.c.work_pool_id == work_pool_id,
        work_items.c.phase == READY,
        not_(work_items.c.is_held),
    )
    ahead = select(func.min(work_items.c.due_at)).where(*ready, work_items.c.due_at > work.now)
    waits = select(work_items.c.run_id).where(*ready, work_items.c.due_at <= work.now).exists()
    soon = case(
        (and_(most_at_once(work.workspace_id) > 0, waits), work.now + AGAIN_AT_ONCE),
        else_=None,
    )
    found = await work.execute(select(func.least(ahead.scalar_subquery(), soon)))
    return found.scalar_one()
