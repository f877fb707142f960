"""What a workspace's people look at first: in three statements, whatever there is."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.states import StateType
from headgate_server.domain.workspace_counts import LiveCounts, PoolCounts, window_buckets
from headgate_server.loops import late_runs
from headgate_server.loops.loop import LoopContext
from headgate_server.services.flow_runs import create
from headgate_server.services.workspace_counts import count_live, count_pools, count_window
from headgate_server.settings import Timers
from headgate_server.tables.work_pools import work_pools
from tests.backend.services.test_run_counts import settle
from tests.factories.deployments import make_deployment
from tests.factories.histories import make_past_runs
from tests.fixtures.plans import count, forbid_scans, reading
from tests.fixtures.sql import query
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def set_stage(world: World) -> None:
    """Have one run running, two late, one due tomorrow, 600 that ended, and a paused pool."""
    await world.started()
    await world.create(2)
    async with world.work() as work:
        tomorrow = create.RunRequest(
            deployment_id=world.deployed.deployment_id, expected_start=work.now + DAY
        )
        await create.create_run(work, tomorrow)
    async with world.system() as work:
        other = await make_deployment(work)
        await work.execute(
            update(work_pools).where(work_pools.c.id == other.work_pool_id).values(is_paused=True)
        )
        await make_past_runs(work, world.deployed, count=600)
    world.shift.by = timedelta(minutes=5)
    await late_runs.run_once(LoopContext(world.database, world.bus, Timers()))
    await settle(world)


async def test_counts_are_right_and_read_what_they_count(
    world: World, urls: DatabaseUrls, statements: list[str]
) -> None:
    await set_stage(world)
    await query(urls.owner, "analyze flow_runs")
    statements.clear()

    async with world.work() as work:
        before = await forbid_scans(work)
        window = await count_window(work, window=24 * HOUR)
        between = await count(work)
        live = await count_live(work, since=window.since)
        pools = await count_pools(work)
        now = await reading(work, between)
        whole = await reading(work, before)

    assert live == LiveCounts(
        running=1, pending=0, paused=0, cancelling=0, waiting=2, scheduled=1, late=2, questions=0,
        failing=0,
    )  # fmt: skip
    assert pools == PoolCounts(pools=2, paused=1, unserved=0, agents_online=1, capacity=10, taken=1)
    assert window.in_window[StateType.COMPLETED] == 540
    assert window.in_window[StateType.FAILED] == 60
    assert window.before == {}
    assert (now.scanned, whole.scanned) == ((), ())
    assert now.rows <= 100
    assert len([one for one in statements if "pg_" not in one and "set_" not in one]) == 3 + 1


async def test_numbers_stop_at_their_cap(world: World) -> None:
    await world.create(5)

    async with world.work() as work:
        live = await count_live(work, since=work.now, cap=3)

    assert live.waiting == 4


async def test_window_is_whole_hours(world: World) -> None:
    async with world.work() as work:
        for window in (timedelta(), timedelta(minutes=90), 181 * DAY):
            with pytest.raises(InvalidInput):
                window_buckets(window, now=work.now)
