"""Who gets what: replicas that look at once, backlogs beside others, queues of one priority."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text, update

from headgate_server.bus.bus import Bus
from headgate_server.domain.due_looks import EARLIEST
from headgate_server.domain.ids import new_id
from headgate_server.domain.leases import Offer
from headgate_server.domain.schedules.plan import MISSED_AFTER
from headgate_server.repositories.statements import named
from headgate_server.services.leases.offer import offer_runs
from headgate_server.settings import Timers
from headgate_server.tables.work_pools import work_items, work_pools, work_queues
from tests.factories.backlogs import make_backlog
from tests.factories.deployments import make_deployment, make_session
from tests.fixtures.deadlines import eventually
from tests.fixtures.streams import Stream, dispatching, streaming
from tests.fixtures.world import OFFER_TTL, World

pytestmark = pytest.mark.anyio

REPLICAS = 5
PATIENT = Timers(sweep_seconds=60)
BACKLOG = 5000
EXAMINED_AT_MOST = 100


class RolledBack(Exception):
    """Ends a unit of work without a trace."""


async def open_replicas(world: World, stack: AsyncExitStack, *, redis_url: str) -> list[Stream]:
    """Open the dispatchers of five replicas, each with a bus and a session's stream of its own."""
    streams: list[Stream] = []
    for _ in range(REPLICAS):
        bus = Bus(redis_url)
        await bus.start()
        stack.push_async_callback(bus.stop)
        await eventually(lambda bus=bus: bus.is_connected, what="The bus of a replica")
        async with world.work() as work:
            session_id = await make_session(work, world.deployed, capacity=1)
        replica = replace(world, bus=bus, session_id=session_id)
        dispatcher = await stack.enter_async_context(dispatching(replica, PATIENT))
        stream, _ = await stack.enter_async_context(streaming(replica, dispatcher))
        streams.append(stream)
    return streams


async def queue(world: World, *, priority: int = 10, is_paused: bool = False) -> UUID:
    """Add a queue to the world's pool."""
    id_ = new_id()
    async with world.work() as work:
        await work.execute(
            insert(work_queues).values(
                workspace_id=work.workspace_id,
                id=id_,
                work_pool_id=world.deployed.work_pool_id,
                name=f"queue-{id_}",
                priority=priority,
                is_paused=is_paused,
            )
        )
    return id_


async def wait_in(world: World, queue_id: UUID, count: int = BACKLOG) -> None:
    async with world.system() as work:
        await make_backlog(
            work,
            deployment_id=world.deployed.deployment_id,
            work_queue_id=queue_id,
            count=count,
        )


async def queues_of(world: World, offers: list[Offer]) -> list[UUID]:
    async with world.system() as work:
        rows = await work.execute(
            select(work_items.c.work_queue_id).where(
                work_items.c.run_id.in_([offer.run_id for offer in offers])
            )
        )
        return list(rows.scalars())


async def test_five_replicas_woken_by_one_run_offer_it_once_in_few_statements(
    world: World, statements: list[str], redis_url: str
) -> None:
    async with AsyncExitStack() as stack:
        streams = await open_replicas(world, stack, redis_url=redis_url)
        statements.clear()
        (run,) = await world.create()
        waits = [asyncio.ensure_future(stream.offer()) for stream in streams]
        done, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        more, others = await asyncio.wait(others, timeout=0.5)
        for wait in others:
            wait.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    assert [wait.result().run_id for wait in done | more] == [run.id]
    offering = sum(statement.startswith("-- Offers ready runs") for statement in statements)
    assert 1 <= offering <= 2 * REPLICAS


async def test_what_one_replica_has_no_room_for_is_left_to_the_others(world: World) -> None:
    async with world.work() as work:
        small = await make_session(work, world.deployed, capacity=1)
        large = await make_session(work, world.deployed, capacity=9)
    await world.create(10)

    async with world.system() as first, world.system() as second:
        offers = [
            await offer_runs(
                work,
                work_pool_id=world.deployed.work_pool_id,
                groups={None: [session_id]},
                most=100,
                offer_ttl=OFFER_TTL,
            )
            for work, session_id in ((first, small), (second, large))
        ]

    assert [len(made) for made in offers] == [1, 9]


async def test_a_backlog_costs_no_more_than_what_is_offered(world: World) -> None:
    await wait_in(world, world.deployed.work_queue_id)

    assert await examined(world, [world.deployed.work_queue_id]) <= EXAMINED_AT_MOST


async def test_a_backlog_in_a_queue_that_does_not_serve_costs_nothing(world: World) -> None:
    first = await queue(world, priority=1, is_paused=True)
    await wait_in(world, first)
    (run,) = await world.create()

    assert [offer.run_id for offer in await world.offer()] == [run.id]
    assert await examined(world, [world.deployed.work_queue_id]) <= EXAMINED_AT_MOST


async def test_a_backlog_in_one_workspace_costs_another_nothing(world: World) -> None:
    own = world.deployed
    async with world.work() as work:
        world.deployed = await make_deployment(work)
    await wait_in(world, world.deployed.work_queue_id)
    world.deployed = own
    await world.create()

    assert await examined(world, [own.work_queue_id]) <= EXAMINED_AT_MOST


async def test_queues_of_one_priority_share_the_slots_evenly(world: World) -> None:
    second = await queue(world)
    await wait_in(world, world.deployed.work_queue_id, 20)
    await wait_in(world, second, 20)
    async with world.work() as work:
        single = await make_session(work, world.deployed, capacity=1)

    ten = await queues_of(world, await world.offer())
    eleventh = await queues_of(world, await world.offer([single]))

    assert sorted(ten.count(id_) for id_ in (world.deployed.work_queue_id, second)) == [5, 5]
    assert len(eleventh) == 1


async def test_a_queue_with_less_in_hand_gets_the_slot_that_comes_free(world: World) -> None:
    await wait_in(world, world.deployed.work_queue_id, 20)
    assert len(await world.offer()) == 10
    second = await queue(world)
    await wait_in(world, second, 20)
    async with world.work() as work:
        single = await make_session(work, world.deployed, capacity=1)

    assert await queues_of(world, await world.offer([single])) == [second]


async def test_a_more_urgent_queue_goes_first(world: World) -> None:
    await wait_in(world, world.deployed.work_queue_id, 20)
    urgent = await queue(world, priority=1)
    await wait_in(world, urgent, 4)

    assert (await queues_of(world, await world.offer())).count(urgent) == 4


async def offer_in_turns(
    world: World, groups: dict[tuple[UUID, ...] | None, list[UUID]], *, turns: int
) -> list[Offer]:
    """Offer as a replica does: one transaction after the other, until nothing is offered."""
    offers: list[Offer] = []
    for _ in range(turns):
        async with world.system() as work:
            made = await offer_runs(
                work,
                work_pool_id=world.deployed.work_pool_id,
                groups=groups,
                most=100,
                offer_ttl=OFFER_TTL,
            )
        offers += made
        if not made:
            break
    return offers


async def limit_the_pool(world: World, limit: int) -> None:
    async with world.system() as work:
        await work.execute(
            update(work_pools)
            .where(work_pools.c.id == world.deployed.work_pool_id)
            .values(concurrency_limit=limit)
        )


@pytest.mark.parametrize("limit", [1, 8])
async def test_a_limited_pool_serves_the_more_urgent_queue_whoever_came_first(
    world: World, limit: int
) -> None:
    low, high = await queue(world, priority=50), await queue(world, priority=1)
    await wait_in(world, low, 10)
    await wait_in(world, high, 10)
    await limit_the_pool(world, limit)
    async with world.work() as work:
        of_low = await make_session(work, world.deployed)
        of_high = await make_session(work, world.deployed)

    offers = await offer_in_turns(world, {(low,): [of_low], (high,): [of_high]}, turns=limit + 1)

    assert [offer.session_id for offer in offers] == [of_high] * limit


@pytest.mark.parametrize("limit", [2, 9])
async def test_equal_queues_of_other_agents_share_a_limited_pool(
    world: World, statements: list[str], limit: int
) -> None:
    one, other = await queue(world), await queue(world)
    await wait_in(world, one, 20)
    await wait_in(world, other, 20)
    await limit_the_pool(world, limit)
    async with world.work() as work:
        sessions = [await make_session(work, world.deployed) for _ in range(3)]
    statements.clear()

    groups = {(one,): sessions[:1], (other,): sessions[1:2], None: sessions[2:]}
    found = await queues_of(world, await offer_in_turns(world, groups, turns=limit + 1))

    assert sorted(found.count(id_) for id_ in (one, other)) == [limit // 2, limit - limit // 2]
    ordering = sum(statement.startswith("-- Orders the queues") for statement in statements)
    offering = sum(statement.startswith("-- Offers ready runs") for statement in statements)
    assert ordering == offering <= limit


async def examined(world: World, queue_ids: list[UUID]) -> int:
    """Return how many work items the offering statement looks at."""
    explained = text("explain (analyze, format json)\n" + named("offer_runs").text)
    try:
        async with world.system() as work:
            plan = await work.execute(
                explained,
                {
                    "work_pool_id": world.deployed.work_pool_id,
                    "session_ids": [world.session_id],
                    "queue_ids": queue_ids,
                    "queue_room": "[]",
                    "deployment_room": "[]",
                    "most": 100,
                    "now": work.now,
                    "due_since": EARLIEST,
                    "held_since": EARLIEST,
                    "offer_ttl": OFFER_TTL,
                    "missed_after": MISSED_AFTER,
                },
            )
            raise RolledBack(_rows(plan.scalar_one()[0]["Plan"]))
    except RolledBack as ended:
        return int(ended.args[0])


def _rows(node: dict[str, Any]) -> int:
    own = 0
    if node.get("Relation Name") == "work_items":
        seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        own = round(seen * node["Actual Loops"])
    return own + sum(_rows(child) for child in node.get("Plans", ()))
