"""How long runs took: percentiles of samples that are bounded."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from headgate_server.domain.durations import SAMPLE, RunDurations, RunOwner, duration_buckets
from headgate_server.domain.errors import InvalidInput
from headgate_server.repositories.blockers import read_mean_seconds
from headgate_server.services.durations import get_many_durations, read_trend
from headgate_server.tables.flow_runs import flow_runs
from tests.factories.deployments import make_deployment
from tests.factories.histories import make_past_runs
from tests.fixtures.plans import forbid_scans, reading
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RUNS = 3_000


async def test_percentiles_are_of_the_latest_completed_runs_and_read_no_others(
    world: World, statements: list[str]
) -> None:
    mine = world.deployed
    async with world.system() as work:
        other = await make_deployment(work)
        await make_past_runs(work, mine, count=RUNS)
        await make_past_runs(work, other, count=9)
    statements.clear()

    async with world.work() as work:
        before = await forbid_scans(work)
        of_flow = (RunOwner.FLOW, mine.flow_id, HOUR)
        of_other = (RunOwner.FLOW, other.flow_id, HOUR)
        found = await get_many_durations(work, [of_flow, of_other])
        read = await reading(work, before)
        of_deployment = (RunOwner.DEPLOYMENT, mine.deployment_id, 10 * DAY)
        long = await get_many_durations(work, [of_deployment])
        whole = await reading(work, before)

    assert found[of_flow] == RunDurations(
        completed=54, failed=5, p50=timedelta(seconds=30), p95=timedelta(seconds=56.35)
    )
    assert found[of_other].completed == 9
    assert (long[of_deployment].completed, long[of_deployment].failed) == (900, 100)
    assert (read.scanned, whole.scanned) == ((), ())
    assert read.rows <= 150
    assert whole.rows - read.rows <= SAMPLE + 100
    assert len([one for one in statements if "percentile_cont" in one]) == 2


async def test_trend_has_every_bucket(world: World) -> None:
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=RUNS)

    async with world.work() as work:
        before = await forbid_scans(work)
        low = work.now - 3 * HOUR
        buckets = duration_buckets(low, low + 5 * HOUR, size=HOUR)
        flow_id = world.deployed.flow_id
        trend = await read_trend(work, flow_id, owner=RunOwner.FLOW, buckets=buckets)
        read = await reading(work, before)

    assert [(one.completed, one.failed) for one in trend] == [
        (54, 6), (54, 6), (54, 5), (0, 0), (0, 0),
    ]  # fmt: skip
    assert [one.p50 for one in trend] == [
        timedelta(seconds=150), timedelta(seconds=90), timedelta(seconds=30), None, None,
    ]  # fmt: skip
    assert read.scanned == ()
    assert read.rows <= 300


async def test_trend_is_bounded(world: World) -> None:
    async with world.work() as work:
        low = work.now - DAY
        for high, size in ((low, HOUR), (low + DAY, timedelta(seconds=59)), (low + 500 * DAY, DAY)):
            with pytest.raises(InvalidInput):
                duration_buckets(low, high, size=size)


async def test_likely_start_goes_by_runs_that_began_once(world: World) -> None:
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=9)
        await work.execute(update(flow_runs).values(attempt=1))
    ids = {"deployment_id": world.deployed.deployment_id}
    async with world.work() as work:
        before = await read_mean_seconds(work, **ids)
    latest = select(flow_runs.c.id).order_by(flow_runs.c.expected_start.desc()).limit(1)
    async with world.system() as work:
        await work.execute(
            update(flow_runs)
            .where(flow_runs.c.id == latest.scalar_subquery())
            .values(attempt=2, started_at=flow_runs.c.started_at - 3 * DAY)
        )
    async with world.work() as work:
        after = await read_mean_seconds(work, **ids)

    assert before is not None
    assert after is not None
    assert abs(after - before) < 10
