"""Offers ready runs to sessions with room."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.due_looks import DueLooks, Start
from headgate_server.domain.leases import Offer
from headgate_server.repositories.leases import at_once, renew
from headgate_server.repositories.leases import offer as repository
from headgate_server.repositories.leases.rooms import DeploymentRoom, deployment_rooms

next_due_at = repository.next_due_at
ForSession = renew.ForSession
list_for_sessions = renew.list_for_sessions


async def offer_runs(
    work: UnitOfWork,
    *,
    work_pool_id: UUID,
    groups: Mapping[tuple[UUID, ...] | None, list[UUID]],
    most: int,
    offer_ttl: timedelta,
    looks: DueLooks | None = None,
) -> list[Offer]:
    """Offer due runs of a pool to sessions, within every limit and the quota of runs at once.

    Args:
        work: a system unit of work in the pool's workspace.
        work_pool_id: whose runs.
        groups: the sessions by the queues they serve; None serves every queue.
        most: how many to offer at once.
        offer_ttl: how long an offer may stay unclaimed.
        looks: where earlier looks at the pool have come to; None looks from the beginning.

    Returns:
        Offers by urgency; empty where nothing is due, nobody has room, or the pool is paused.
        Where nothing is due no session is locked: each stream that opens asks for its share.
    """
    start, is_due = await _begin(work, work_pool_id, looks=looks or DueLooks())
    room = await _room(work, work_pool_id, most=most) if is_due else 0
    if room <= 0:
        return []
    found = await repository.queue_rooms(work, work_pool_id)
    queues, offers = {queue.id: queue.room for queue in found}, list[Offer]()
    rooms_of_deployments = await _deployment_rooms(work, found)
    has_limits = bool(rooms_of_deployments) or any(left is not None for left in queues.values())
    for served, session_ids in groups.items():
        rooms = _served(queues, served)
        if room <= 0 or not rooms:
            continue
        made = await repository.offer_runs(
            work,
            work_pool_id=work_pool_id,
            session_ids=session_ids,
            queue_rooms=rooms,
            most=room,
            offer_ttl=offer_ttl,
            deployment_rooms=[one for one in rooms_of_deployments if one.queue_id in rooms],
            start=start,
        )
        offers.extend(made)
        room -= len(made)
        if made and len(groups) > 1 and has_limits:
            break
    return offers


async def _begin(work: UnitOfWork, work_pool_id: UUID, *, looks: DueLooks) -> tuple[Start, bool]:
    """Return where a look at a pool begins, and whether anything is due there."""
    oldest = await repository.find_oldest(work, work_pool_id, start=looks.begin())
    return looks.note(oldest, now=work.now), oldest.due is not None


async def _room(work: UnitOfWork, work_pool_id: UUID, *, most: int) -> int:
    """Return how many runs of a pool may be offered now; none of one that is paused or gone."""
    pool = await repository.pool_room(work, work_pool_id)
    if pool is None or pool.is_paused or pool.room == 0:
        return 0
    room = most if pool.room is None else min(most, pool.room)
    if pool.most_at_once > 0:
        room = min(room, await at_once.room_at_once(work, most=pool.most_at_once))
    return room


def _served(
    queues: Mapping[UUID, int | None], served: tuple[UUID, ...] | None
) -> dict[UUID, int | None]:
    """Return the queues with room that some sessions serve; None serves every queue."""
    return {
        queue_id: left
        for queue_id, left in queues.items()
        if left != 0 and (served is None or queue_id in served)
    }


async def _deployment_rooms(
    work: UnitOfWork, queues: Sequence[repository.QueueRoom]
) -> list[DeploymentRoom]:
    """Return what limited deployments may have offered; no statement where none of theirs wait."""
    limited = [queue.id for queue in queues if queue.has_limited and queue.room != 0]
    return await deployment_rooms(work, queue_ids=limited) if limited else []


async def return_offers(work: UnitOfWork, *, session_ids: Sequence[UUID]) -> None:
    """Take back what sessions were offered and have not claimed, for others to have at once."""
    pools = await renew.return_offers(work, session_ids)
    work.wake(*(channels.pool(pool_id) for pool_id in pools))
