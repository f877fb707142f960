"""What becomes due while a loop is at it, and has looked already, waits for no sweep."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from arq import ArqRedis
from sqlalchemy import func, select, text

from headgate_server.bus import channels
from headgate_server.domain.backfills import Backfill, BackfillStatus
from headgate_server.loops import outbox
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.registry import LOOPS
from headgate_server.loops.supervisor import Supervisor
from headgate_server.settings import Timers
from headgate_server.tables.events import outbox as outbox_table
from tests.backend.services.test_backfill_outcomes import (
    POISON,
    make_backfill,
    read,
    set_schema,
)
from tests.fixtures.deadlines import eventually
from tests.fixtures.proxy import Proxy, Weather
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

NO_SWEEP = Timers(sweep_seconds=3600)
MOVE = "delete from outbox"
LOCK = "select pg_advisory_xact_lock(hashtext('headgate.publish_outbox'))"


async def idle(context: LoopContext) -> int:
    """Do nothing: what another loop does would have the database looked at again by chance."""
    del context
    return 0


class Held:
    """A loop's round that does its work, and then does not end before it is told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rounds = 0
        self.is_holding = False
        self.has_looked = asyncio.Event()
        self.may_end = asyncio.Event()
        (self._loop,) = (loop for loop in LOOPS if loop.name == name)

    async def run_once(self, context: LoopContext) -> int:
        """Do the work of one round."""
        done = await self._loop.run_once(context)
        self.rounds += 1
        if self.is_holding:
            self.is_holding = False
            self.has_looked.set()
            await self.may_end.wait()
        return done


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The loops that the queue did not take, because it holds such a job."""
    found: list[str] = []
    enqueue = ArqRedis.enqueue_job

    async def enqueue_job(self: ArqRedis, function: str, *args: Any, **options: Any) -> Any:
        job = await enqueue(self, function, *args, **options)
        if job is None:
            found.append(function)
        return job

    monkeypatch.setattr(ArqRedis, "enqueue_job", enqueue_job)
    return found


@asynccontextmanager
async def supervised(
    world: World, redis_url: str, held: Held, *, timers: Timers = NO_SWEEP
) -> AsyncGenerator[LoopContext]:
    """Run one loop under a supervisor whose first sweep is over, and the others idle."""
    context = LoopContext(database=world.database, bus=world.bus, timers=timers)
    loops = [
        replace(loop, run_once=held.run_once if loop.name == held.name else idle) for loop in LOOPS
    ]
    swept = asyncio.Event()
    supervisor = Supervisor(context, loops, redis_url=redis_url, prefix="test", on_round=swept.set)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(supervisor.run())
        await swept.wait()
        yield context
        running.cancel()


async def waiting(world: World) -> int:
    async with world.system() as work:
        found = await work.execute(select(func.count()).select_from(outbox_table))
    return found.scalar_one()


async def outbox_is_empty(world: World) -> bool:
    return not await waiting(world)


async def test_an_event_that_comes_while_the_outbox_is_at_it_is_published_at_once(
    world: World, redis_url: str, refused: list[str]
) -> None:
    held = Held("outbox")
    async with supervised(world, redis_url, held):
        await eventually(lambda: outbox_is_empty(world), what="The outbox")
        held.is_holding = True
        await world.create()
        await asyncio.wait_for(held.has_looked.wait(), 5)
        refused.clear()
        await world.create()
        # Once for the plan, once for the outbox's own wake.
        await eventually(lambda: refused.count("outbox") >= 2, what="Wakes that came too early")
        assert await waiting(world) > 0

        held.may_end.set()

        await eventually(lambda: outbox_is_empty(world), within_seconds=3, what="The outbox")


async def test_an_event_that_comes_while_another_moves_the_outbox_is_published_after_it(
    world: World, statements: list[str]
) -> None:
    context = LoopContext(database=world.database, bus=world.bus, timers=NO_SWEEP)
    async with world.system() as mover:
        await mover.execute(text(LOCK))
        await world.create()
        statements.clear()
        publishing = asyncio.create_task(outbox.run_once(context))
        await eventually(
            lambda: publishing.done() or sum(MOVE in one for one in statements) >= 2,
            what="The second look",
        )

    assert await asyncio.wait_for(publishing, 5) > 0
    assert await waiting(world) == 0


async def test_a_run_that_is_late_while_late_runs_are_marked_is_marked_at_once(
    world: World, redis_url: str, refused: list[str]
) -> None:
    held = Held("late_runs")
    async with supervised(world, redis_url, held):
        held.is_holding = True
        await world.create()
        world.shift.by = timedelta(minutes=1)
        await world.bus.publish({channels.SCHEDULER})
        await asyncio.wait_for(held.has_looked.wait(), 5)
        rounds = held.rounds
        await world.create()
        world.shift.by = timedelta(minutes=2)
        refused.clear()
        await world.bus.publish({channels.SCHEDULER})
        await eventually(lambda: "late_runs" in refused, what="A wake that came too early")

        held.may_end.set()

        await eventually(lambda: held.rounds > rounds, within_seconds=3, what="The next round")


async def has_ended(world: World, made: Backfill) -> bool:
    return (await read(world, made))[0].status is BackfillStatus.FAILED


async def test_items_that_are_refused_hold_their_backfill_up_for_no_sweep(
    world: World, redis_url: str
) -> None:
    async with supervised(world, redis_url, Held("backfills")):
        made = await make_backfill(world, parallelism=1)
        await set_schema(world, POISON)
        await world.bus.publish({channels.SCHEDULER})

        await eventually(lambda: has_ended(world, made), within_seconds=5, what="The backfill")


async def test_loops_go_on_by_themselves_while_the_queue_hangs(
    world: World, redis_url: str
) -> None:
    port = urlsplit(redis_url).port
    assert port is not None
    with Proxy() as proxy:
        link = proxy.link("redis", port)
        hanging = redis_url.replace(f":{port}", f":{link.port}")
        async with supervised(world, hanging, Held("outbox"), timers=Timers()):
            await eventually(lambda: outbox_is_empty(world), what="The outbox")
            link.weather = Weather(is_black_hole=True)
            await world.create()

            await eventually(
                lambda: outbox_is_empty(world),
                within_seconds=15,
                what="The outbox, unqueued",
            )
            await world.create()
            await eventually(
                lambda: outbox_is_empty(world),
                within_seconds=5,
                what="The outbox, known",
            )


async def test_a_round_that_is_cut_for_its_time_has_failed(
    world: World, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate_server.loops.loop.ROUND_SECONDS", 0.5)
    held = Held("outbox")
    async with supervised(world, redis_url, held) as context:
        await eventually(lambda: outbox_is_empty(world), what="The outbox")
        held.is_holding = True
        await world.bus.publish({channels.OUTBOX})
        await asyncio.wait_for(held.has_looked.wait(), 5)

        await eventually(lambda: context.vitals.failing, what="The failure")

        assert list(context.vitals.failing) == ["The outbox loop"]
        await world.create()
        await eventually(lambda: not context.vitals.failing, what="The next round")
