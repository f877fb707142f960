"""Looks for due runs beside a snapshot that keeps what was handed out alive in the indexes."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import delete, text, update

from headgate_server.bus import channels
from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain import due_looks
from headgate_server.domain.due_looks import DueLooks
from headgate_server.services.leases.offer import offer_runs
from headgate_server.settings import Timers
from headgate_server.tables.work_pools import work_items
from tests.factories.backlogs import make_backlog
from tests.fixtures.streams import dispatching, streaming
from tests.fixtures.world import OFFER_TTL, World

pytestmark = pytest.mark.anyio

GONE = 2_000
FEW = 20
PATIENT = Timers(sweep_seconds=60)
_READ = text("""
select sum(pg_stat_get_xact_tuples_returned(oid)) from pg_class
where oid = 'work_items'::regclass
  or oid in (select indexrelid from pg_index where indrelid = 'work_items'::regclass)
""")
"""How many rows of the queue, and entries of its indexes, a transaction has read: dead ones too."""


class Ticking:
    """A clock on which each look takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no look from the beginning for cheap."""
    monkeypatch.setattr(due_looks, "CHEAP_SECONDS", 0.0)


@pytest.fixture
async def passed(world: World, urls: DatabaseUrls) -> AsyncGenerator[None]:
    """Thousands of runs were there and are gone, but somebody still sees them."""
    async with world.system() as work:
        await make_backlog(
            work,
            deployment_id=world.deployed.deployment_id,
            work_queue_id=world.deployed.work_queue_id,
            count=GONE,
        )
    connection = await connect(urls.owner)
    async with connection.transaction(isolation="repeatable_read"):
        assert await connection.fetchval("select count(*) from work_items") == GONE
        async with world.system() as work:
            await work.execute(delete(work_items))
        yield
    await connection.close()


async def look(world: World, looks: DueLooks) -> tuple[list[UUID], int]:
    """Offer what is due; which runs, and how much of the queue was read for it."""
    async with world.system() as work:
        before = (await work.execute(_READ)).scalar_one()
        offers = await offer_runs(
            work,
            work_pool_id=world.deployed.work_pool_id,
            groups={None: [world.session_id]},
            most=100,
            offer_ttl=OFFER_TTL,
            looks=looks,
        )
        read = (await work.execute(_READ)).scalar_one() - before
    return [offer.run_id for offer in offers], int(read)


@pytest.mark.usefixtures("passed")
async def test_what_is_gone_is_gone_over_once(world: World) -> None:
    looks = DueLooks(Ticking())
    found, read = await look(world, looks)
    assert found == []
    assert read >= GONE
    (run,) = await world.create()

    found, read = await look(world, looks)

    assert found == [run.id]
    assert read <= FEW


@pytest.mark.usefixtures("passed")
async def test_an_older_run_that_is_ready_again_is_found_by_the_next_whole_look(
    world: World,
) -> None:
    clock = Ticking()
    looks = DueLooks(clock)
    await look(world, looks)
    (run,) = await world.create()
    async with world.system() as work:
        await work.execute(update(work_items).values(due_at=work.now - timedelta(minutes=1)))
    found, read = await look(world, looks)
    assert found == []
    assert read <= FEW

    clock.now += looks.seconds_left() or 0

    found, read = await look(world, looks)
    assert found == [run.id]
    assert read >= GONE


@pytest.mark.usefixtures("passed", "dear")
async def test_a_stream_gets_an_older_run_long_before_the_sweep(world: World) -> None:
    (run,) = await world.create()
    async with world.system() as work:
        older = {"is_held": True, "due_at": work.now - timedelta(minutes=1)}
        await work.execute(update(work_items).values(older))
    async with dispatching(world, PATIENT) as dispatcher, streaming(world, dispatcher) as opened:
        stream, _ = opened
        (newer,) = await world.create()
        assert (await stream.offer()).run_id == newer.id
        async with world.system() as work:
            await work.execute(update(work_items).values(is_held=False))
            work.wake(channels.pool(world.deployed.work_pool_id))

        assert (await stream.offer()).run_id == run.id


async def connect(url: str) -> Any:
    return cast("Any", await asyncpg.connect(url))  # pyright: ignore[reportUnknownMemberType] - it ships no types
