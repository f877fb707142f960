"""Five replicas with a bus of their own each: a wake reaches every one, and a run goes to one."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from headgate_server.bus.bus import Bus
from headgate_server.database.urls import DatabaseUrls
from headgate_server.dispatch.dispatcher import Dispatcher
from headgate_server.dispatch.messages import StreamClosing
from headgate_server.domain.leases import CancelRequest, LeaseRef, Offer
from headgate_server.services.flow_runs import change
from headgate_server.settings import Timers
from tests.factories.deployments import make_session
from tests.fixtures.deadlines import eventually
from tests.fixtures.sql import query
from tests.fixtures.streams import Stream, streaming
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

REPLICAS = 5
ROOM = 8
NO_SWEEP = Timers(sweep_seconds=3600, sweep_without_redis_seconds=3600)


@asynccontextmanager
async def replicas(world: World, redis_url: str) -> AsyncGenerator[list[Dispatcher]]:
    """Run five dispatchers, none of which looks by itself."""
    async with AsyncExitStack() as stack:
        found: list[Dispatcher] = []
        for _ in range(REPLICAS):
            bus = Bus(redis_url)
            await bus.start()
            stack.push_async_callback(bus.stop)
            await eventually(lambda bus=bus: bus.is_connected, what="A replica's bus")
            dispatcher = Dispatcher(database=world.database, bus=bus, timers=NO_SWEEP)
            stack.push_async_callback(dispatcher.stop)
            found.append(dispatcher)
        yield found


@asynccontextmanager
async def agents(
    world: World, dispatchers: list[Dispatcher], *, capacity: int = ROOM
) -> AsyncGenerator[list[Stream]]:
    """Open the work stream of one agent at each replica, in the order of the replicas."""
    async with AsyncExitStack() as stack:
        found: list[Stream] = []
        for dispatcher in dispatchers:
            async with world.work() as work:
                world.session_id = await make_session(work, world.deployed, capacity=capacity)
            stream, _ = await stack.enter_async_context(streaming(world, dispatcher))
            found.append(stream)
        yield found


async def take(stream: Stream, count: int) -> list[Offer]:
    """Return so many offers of a stream."""
    return [await stream.offer() for _ in range(count)]


async def claim(world: World, offered: Offer) -> LeaseRef:
    """Claim an offer for the session that it was made to."""
    world.session_id = offered.session_id
    lease = await world.claim(offered)
    await world.propose(lease, change.StateType.RUNNING)
    return lease


async def test_runs_that_come_at_once_fill_the_agents_of_all_replicas_once_each(
    world: World, redis_url: str, urls: DatabaseUrls
) -> None:
    async with replicas(world, redis_url) as five, agents(world, five) as streams:
        made = await asyncio.gather(*(world.create() for _ in range(REPLICAS * ROOM)))
        offered = await asyncio.gather(*(take(stream, ROOM) for stream in streams))

        sessions = [{offer.session_id for offer in offers} for offers in offered]
        runs = Counter(offer.run_id for offers in offered for offer in offers)

    assert [len(one) for one in sessions] == [1] * REPLICAS
    assert len(set[object]().union(*sessions)) == REPLICAS
    assert runs == {run.id: 1 for created in made for run in created}
    assert await query(urls.owner, "select max(epoch) from work_items") == 1


async def test_a_run_finds_the_one_agent_with_room_whichever_replica_has_it(
    world: World, redis_url: str
) -> None:
    async with replicas(world, redis_url) as five, agents(world, five, capacity=1) as streams:
        await world.create(REPLICAS)
        firsts = {stream: await stream.offer() for stream in streams}
        leases = [await claim(world, offered) for offered in firsts.values()]

        for stream, lease in zip(streams, leases, strict=True):
            (waiting,) = await world.create()
            await world.propose(lease, change.StateType.COMPLETED)
            offered = await stream.offer()
            assert offered.run_id == waiting.id
            await claim(world, offered)


async def test_a_cancel_reaches_the_agent_of_each_replica(world: World, redis_url: str) -> None:
    async with replicas(world, redis_url) as five, agents(world, five, capacity=1) as streams:
        await world.create(REPLICAS)
        leases = [await claim(world, await stream.offer()) for stream in streams]

        for lease in reversed(leases):
            async with world.work() as work:
                request = change.CancelRequest(reason="Wrong day.", grace_seconds=7)
                await change.cancel_run(work, run_id=lease.run_id, request=request)
        cancels = [await stream.next() for stream in streams]

    assert [cancel.run_id for cancel in cancels if isinstance(cancel, CancelRequest)] == [
        lease.run_id for lease in leases
    ]


async def test_a_replica_that_goes_away_leaves_its_offers_to_the_others(
    world: World, redis_url: str
) -> None:
    async with replicas(world, redis_url) as five:
        async with agents(world, five, capacity=1) as streams:
            await world.create(REPLICAS)
            offers = [await stream.offer() for stream in streams]
            leases = [await claim(world, offered) for offered in offers[1:]]

            draining = asyncio.create_task(five[0].drain(patience_seconds=60))
            await world.propose(leases[0], change.StateType.COMPLETED)
            again = await streams[1].offer()
            closing = await streams[0].next()

        await draining

    assert isinstance(closing, StreamClosing)
    assert (again.run_id, again.session_id) == (offers[0].run_id, offers[1].session_id)
    assert again.epoch > offers[0].epoch
