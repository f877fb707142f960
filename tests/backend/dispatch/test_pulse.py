"""Whether a replica is noted as serving: until then nobody is judged by the clock."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select

from headgate_server.bus.high_water import HighWater
from headgate_server.database.urls import DatabaseUrls
from headgate_server.dispatch import pulse
from headgate_server.dispatch.pulse import Service, beat_forever
from headgate_server.domain.errors import Unavailable
from headgate_server.services import upkeep
from headgate_server.settings import Timers
from headgate_server.tables.events import control_plane
from headgate_server.tables.work_pools import work_items
from tests.fixtures.deadlines import eventually
from tests.fixtures.sql import query
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
QUICK = Timers(pulse_seconds=0.05)


@asynccontextmanager
async def beating(world: World, redis_url: str, timers: Timers) -> AsyncGenerator[Service]:
    service = Service(world.database, timers)
    marks = HighWater(redis_url)
    task = asyncio.create_task(beat_forever(service, high_water=marks))
    try:
        yield service
    finally:
        task.cancel()
        await asyncio.wait({task})
        await marks.close()


@asynccontextmanager
async def hindered(world: World) -> AsyncGenerator[None]:
    """Let nobody note that the API serves, for as long as the block runs."""
    async with world.system() as work:
        await work.execute(select(control_plane.c.id).with_for_update())
        yield


async def fence(world: World) -> timedelta:
    """Return how long the one lease is still good for."""
    async with world.system() as work:
        rows = await work.execute(select(work_items.c.fence_until - work.now))
        return rows.scalar_one()


async def refused(service: Service) -> bool:
    try:
        await service.wait_noted()
    except Unavailable:
        return True
    return False


async def admitted(service: Service) -> bool:
    return not await refused(service)


async def test_the_first_look_at_a_lease_comes_after_our_outage_was_given_back(
    world: World, redis_url: str
) -> None:
    await Service(world.database, Timers()).note()
    await world.started()
    before = await fence(world)
    world.shift.by = HOUR

    async with beating(world, redis_url, Timers()) as service:
        behind = world.database.behind(service.wait_noted)
        async with behind.system() as work:
            rows = await work.execute(select(work_items.c.fence_until - work.now))

    assert abs(rows.scalar_one() - before) < timedelta(seconds=10)


async def test_an_outage_is_given_back_once_by_replicas_that_start_together(world: World) -> None:
    await Service(world.database, Timers()).note()
    await world.started()
    before = await fence(world)
    world.shift.by = HOUR

    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            tasks.create_task(Service(world.database, Timers()).note())

    assert abs(await fence(world) - before) < timedelta(seconds=10)


async def test_a_replica_that_freezes_while_it_is_noted_keeps_no_other_from_it(
    world: World,
) -> None:
    async def note_beside_it() -> None:
        async with world.system() as frozen:
            await upkeep.note_service(frozen, grace=HOUR)
            async with asyncio.timeout(10):
                await Service(world.database, Timers()).note()

    with pytest.raises(Unavailable):
        await note_beside_it()


async def test_who_waits_where_the_database_was_away_is_served_once_it_is_noted_again(
    world: World, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 0.2)
    async with beating(world, redis_url, QUICK) as service:
        await service.wait_noted()

        async with hindered(world):
            await eventually(lambda: refused(service), what="A refusal")
            monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 10)
            waiting = asyncio.create_task(service.wait_noted())

        await waiting


async def test_who_waits_is_refused_as_soon_as_noting_it_fails(
    world: World, urls: DatabaseUrls, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 60)
    await query(urls.owner, "alter table control_plane rename to nowhere")

    async with asyncio.timeout(10), beating(world, redis_url, Timers()) as service:
        is_refused = await refused(service)
        await query(urls.owner, "alter table nowhere rename to control_plane")
        await eventually(lambda: admitted(service), what="The first admission")

    assert is_refused
