"""Wakes across two buses on one real Valkey."""

from collections.abc import AsyncGenerator

import pytest

from headgate_server.bus.bus import Bus
from tests.fixtures.deadlines import eventually

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


async def test_without_redis_a_wake_still_works_at_home() -> None:
    bus = Bus("redis://127.0.0.1:1/0")
    await bus.start()
    async with bus.listen("run:1") as listener:
        await bus.publish({"run:1"})

        assert await listener.wait(0)
        assert not bus.is_connected
    await bus.stop()
