"""What a supervisor leaves behind when it is cancelled in the middle of something."""

import asyncio
from typing import Any

import pytest
from arq import ArqRedis

from headgate_server.bus import channels
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.registry import LOOPS
from headgate_server.loops.supervisor import Supervisor
from tests.backend.loops.test_wakes import NO_SWEEP
from tests.fixtures.deadlines import eventually
from tests.fixtures.redis_client import connect
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

STEPS = 6
"""How far a call has come when it is cancelled, in turns of the event loop."""


class Calls:
    """Tells when something is about to be enqueued."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has_begun = asyncio.Event()
        enqueue = ArqRedis.enqueue_job

        async def enqueue_job(redis: ArqRedis, function: str, *args: Any, **options: Any) -> Any:
            self.has_begun.set()
            return await enqueue(redis, function, *args, **options)

        monkeypatch.setattr(ArqRedis, "enqueue_job", enqueue_job)


def count_connections(redis_url: str) -> int:
    """Count who is connected to the database."""
    with connect(redis_url) as client:
        connected = client.client_list()
    return sum(one["db"] == redis_url.rpartition("/")[2] for one in connected)


@pytest.mark.parametrize("steps", range(STEPS))
async def test_supervisor_that_is_cancelled_as_it_enqueues_leaves_no_connection(
    world: World, redis_url: str, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    calls = Calls(monkeypatch)
    before = count_connections(redis_url)
    context = LoopContext(database=world.database, bus=world.bus, timers=NO_SWEEP)
    supervisor = Supervisor(context, LOOPS, redis_url=redis_url, prefix="test")
    running = asyncio.create_task(supervisor.run())
    await asyncio.wait_for(calls.has_begun.wait(), 5)
    calls.has_begun.clear()
    await world.bus.publish({channels.OUTBOX})
    await asyncio.wait_for(calls.has_begun.wait(), 5)

    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])

    def is_as_before() -> bool:
        return count_connections(redis_url) == before

    await eventually(is_as_before, within_seconds=2, what="Connections as before")
