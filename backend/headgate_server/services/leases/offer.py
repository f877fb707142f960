"""Offers ready runs to sessions with room."""

import math
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
GoneLease = renew.GoneLease
list_gone = renew.list_gone


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
    room, is_limited = await _room(work, work_pool_id, most=most) if is_due else (0, False)
    if room <= 0:
        return []
    found = await repository.queue_rooms(work, work_pool_id)
    rooms = await _deployment_rooms(work, found)
    queues, offers = {queue.id: queue.room for queue in found if queue.room != 0}, list[Offer]()
    is_limited = is_limited or bool(rooms) or any(queue.room is not None for queue in found)
    is_shared = is_limited and len(groups) > 1
    order = await repository.order_queues(work, queues, rooms, start=start) if is_shared else None
    for served in _in_turn(list(groups), order):
        serving = {id_: left for id_, left in queues.items() if served is None or id_ in served}
        if room > 0 and serving:
            made = await repository.offer_runs(
                work,
                work_pool_id=work_pool_id,
                session_ids=groups[served],
                queue_rooms=serving,
                most=math.ceil(room / len(groups)) if is_shared else room,
                offer_ttl=offer_ttl,
                deployment_rooms=[one for one in rooms if one.queue_id in serving],
                start=start,
            )
            offers, room = offers + made, room - len(made)
            if made and is_shared:
                break  # whose turn it is then is seen from what each has in hand
    return offers


async def _begin(work: UnitOfWork, work_pool_id: UUID, *, looks: DueLooks) -> tuple[Start, bool]:
    """Return where a look at a pool begins, and whether anything is due there."""
    oldest = await repository.find_oldest(work, work_pool_id, start=looks.begin())
    return looks.note(oldest, now=work.now), oldest.due is not None


def _in_turn(
    groups: list[tuple[UUID, ...] | None], order: Sequence[UUID] | None
) -> list[tuple[UUID, ...] | None]:
    """Return the groups that serve any of the queues in order, whoever serves the first one first.

    Of those who do, those who can serve nothing else: the others find work in other queues. All
    groups as they come where there is no order.
    """
    if order is None:
        return groups

    def places(served: tuple[UUID, ...] | None) -> list[int]:
        return [at for at, id_ in enumerate(order) if served is None or id_ in served]

    found = {served: places(served) for served in groups}
    return sorted(
        (served for served in groups if found[served]),
        key=lambda served: (found[served][0], len(found[served])),
    )


async def _room(work: UnitOfWork, work_pool_id: UUID, *, most: int) -> tuple[int, bool]:
    """Return how many runs of a pool may be offered now, and whether a limit says so.

    None of one that is paused or gone.
    """
    pool = await repository.pool_room(work, work_pool_id)
    if pool is None or pool.is_paused or pool.room == 0:
        return 0, True
    room = most if pool.room is None else min(most, pool.room)
    if pool.most_at_once > 0:
        room = min(room, await at_once.room_at_once(work, most=pool.most_at_once))
    return room, pool.room is not None or pool.most_at_once > 0


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
