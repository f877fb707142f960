"""Wakes across two buses on one real Valkey."""

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import pytest

from headgate_server.bus.bus import ANSWER_SECONDS, SILENCE_SECONDS, Bus
from tests.fixtures.deadlines import eventually
from tests.fixtures.proxy import Proxy, Weather

pytestmark = pytest.mark.anyio


@pytest.fixture
async def buses(redis_url: str) -> AsyncGenerator[tuple[Bus, Bus]]:
    here, there = Bus(redis_url), Bus(redis_url)
    for bus in (here, there):
        await bus.start()
        await eventually(lambda bus=bus: bus.is_connected)
    yield here, there
    await here.stop()
    await there.stop()


async def test_a_wake_reaches_listeners_here_and_elsewhere(buses: tuple[Bus, Bus]) -> None:
    here, there = buses
    async with here.listen("run:1") as near, there.listen("run:1") as far:
        await there.listen("run:2").__aenter__()
        await here.publish({"run:1"})

        assert await near.wait(0)
        assert await far.wait(5)


async def test_a_listener_is_not_woken_for_other_channels(buses: tuple[Bus, Bus]) -> None:
    here, there = buses
    async with there.listen("run:1") as other, there.listen("run:2") as mine:
        await here.publish({"run:2"})

        assert await mine.wait(5)
        assert not await other.wait(0)


async def test_wakes_while_nobody_waits_count_as_one(buses: tuple[Bus, Bus]) -> None:
    here, _ = buses
    async with here.listen("pool:1") as listener:
        await here.publish({"pool:1"})
        await here.publish({"pool:1"})

        assert await listener.wait(0)
        assert not await listener.wait(0)


async def test_who_begins_to_listen_while_the_bus_connects_hears_the_others(
    buses: tuple[Bus, Bus], redis_url: str
) -> None:
    _, there = buses
    here = Bus(redis_url)
    await here.start()
    await asyncio.sleep(0)
    assert not here.is_connected

    async with here.listen("scheduler") as stays, here.listen("pool:1") as goes:
        await goes.close()
        await eventually(lambda: here.is_connected)
        await stays.wait(0)  # all are woken as the bus connects
        await there.publish({"scheduler"})
        is_woken = await stays.wait(5)
    await here.stop()

    assert is_woken


async def test_wake_is_sent_while_the_own_subscription_is_cut(
    buses: tuple[Bus, Bus], redis_url: str
) -> None:
    _, there = buses
    port = urlsplit(redis_url).port
    assert port is not None
    with Proxy() as proxy:
        link = proxy.link("redis", port)
        here = Bus(redis_url.replace(f":{port}", f":{link.port}"))
        await here.start()
        await eventually(lambda: here.is_connected)
        async with there.listen("pool:1") as far:
            link.reset()
            await eventually(lambda: not here.is_connected)
            await here.publish({"pool:1"})

            assert await far.wait(5)
        await here.stop()


async def test_redis_that_hangs_is_away_and_who_waits_is_told(
    buses: tuple[Bus, Bus], redis_url: str
) -> None:
    _, there = buses
    port = urlsplit(redis_url).port
    assert port is not None
    with Proxy() as proxy:
        link = proxy.link("redis", port)
        here = Bus(redis_url.replace(f":{port}", f":{link.port}"))
        await here.start()
        await eventually(lambda: here.is_connected)
        async with here.listen("pool:1") as near:
            await near.wait(0)
            link.weather = Weather(is_black_hole=True)

            assert await near.wait(SILENCE_SECONDS + ANSWER_SECONDS + 1)
            assert not here.is_connected

            link.heal()
            await eventually(lambda: here.is_connected, within_seconds=10)
            await near.wait(0)
            await there.publish({"pool:1"})
            assert await near.wait(5)
        await here.stop()


async def test_redis_that_says_nothing_for_long_is_still_there(buses: tuple[Bus, Bus]) -> None:
    here, there = buses
    async with here.listen("pool:1") as near:
        assert not await near.wait(SILENCE_SECONDS + ANSWER_SECONDS + 1)
        assert here.is_connected
        await there.publish({"pool:1"})
        assert await near.wait(5)


async def test_without_redis_a_wake_still_works_at_home() -> None:
    bus = Bus("redis://127.0.0.1:1/0")
    await bus.start()
    async with bus.listen("run:1") as listener:
        await bus.publish({"run:1"})

        assert await listener.wait(0)
        assert not bus.is_connected
    await bus.stop()
