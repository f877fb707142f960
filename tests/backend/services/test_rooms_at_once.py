"""Replicas that hand out at once what is limited: one counts when the other has committed."""

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Table, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.concurrency_limits import SlotRequest, Use
from headgate_server.domain.ids import new_id
from headgate_server.services import concurrency_limits
from headgate_server.services.leases import offer
from headgate_server.tables.flows import deployments
from headgate_server.tables.work_pools import work_pools, work_queues
from tests.backend.services.test_concurrency_limits import ask, put, use_of
from tests.factories.databases import somebody_waits
from tests.fixtures.deadlines import eventually
from tests.fixtures.world import OFFER_TTL, World

pytestmark = pytest.mark.anyio


async def hand_out(world: World, work: UnitOfWork, *, most: int = 1) -> int:
    """Offer one run, or so many, if there is room for it."""
    offered = await offer.offer_runs(
        work,
        work_pool_id=world.deployed.work_pool_id,
        groups={None: [world.session_id]},
        most=most,
        offer_ttl=OFFER_TTL,
    )
    return len(offered)


async def take_slot(world: World, work: UnitOfWork) -> int:
    """Take a slot of a limit, if one is free."""
    del world
    request = SlotRequest(lease_id=new_id(), names=("database",))
    asked = await concurrency_limits.acquire_slots(work, request, holder=None, patience=None)
    return int(asked.is_acquired)


async def at_once(world: World, take: Any, *, then: Any = None) -> tuple[int, int]:
    """Have a second one take while the first has not committed what it took, or did."""

    async def second() -> int:
        async with world.system() as work:
            return await (then or take)(world, work)

    async def is_stopped() -> bool:
        async with world.system() as work:
            return later.done() or await somebody_waits(work)

    async with world.system() as work:
        taken = await take(world, work)
        later = asyncio.create_task(second())
        await eventually(is_stopped, what="The second one")
    return taken, await later


@pytest.mark.parametrize("table", [work_pools, work_queues, deployments])
async def test_second_replica_offers_no_more_than_there_is_room_for(
    world: World, table: Table
) -> None:
    async with world.system() as work:
        await work.execute(update(table).values(concurrency_limit=1))
    await world.create(3)

    assert await at_once(world, hand_out) == (1, 0)


async def test_limit_that_was_lowered_before_is_the_one_that_counts(world: World) -> None:
    async with world.system() as work:
        await work.execute(update(work_queues).values(concurrency_limit=5))
    await world.create(5)

    async def lower(world: World, work: UnitOfWork) -> int:
        del world
        await work.execute(update(work_queues).values(concurrency_limit=1))
        return 0

    _, offered = await at_once(world, lower, then=partial(hand_out, most=5))

    assert offered == 1


async def test_second_one_takes_no_slot_that_the_first_is_taking(world: World) -> None:
    limit = await put(world, "database")

    assert await at_once(world, take_slot) == (1, 0)
    assert await use_of(world, limit) == [Use(1, 0)]


async def test_two_hundred_at_once_never_share_a_slot(world: World) -> None:
    limit = await put(world, "database", 2)

    found = await asyncio.gather(*(ask(world, "database", key=str(n)) for n in range(200)))

    assert sum(one.is_acquired for one in found) == 2
    assert await use_of(world, limit) == [Use(2, 0)]
