"""Runs counted over time: from counted hours and from the runs, with the same answer."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, text, update

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.filters import DeploymentFilter, FlowFilter, FlowRunFilter, IdFilter
from headgate_server.domain.run_counts import Buckets, CountedScope, counted_scope, make_buckets
from headgate_server.domain.states import StateType
from headgate_server.repositories import run_counts
from headgate_server.services import upkeep
from headgate_server.services.flow_runs import create
from headgate_server.services.flow_runs.counts import SETTLING, read_counts, refresh_counts
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.run_counts import stale_run_hours
from headgate_server.tables.work_pools import work_items
from tests.factories.histories import make_past_runs
from tests.fixtures.plans import Reading, forbid_scans, reading
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Buckets(NOON.replace(minute=0) - 12 * HOUR, NOON.replace(minute=0) + 12 * HOUR, HOUR)
WAITING = StateType.SCHEDULED


async def make_runs(world: World, *hours: int) -> list[UUID]:
    """Create a run that is due so many hours from noon on, for each number."""
    made: list[UUID] = []
    async with world.work() as work:
        for hour in hours:
            request = create.RunRequest(
                deployment_id=world.deployed.deployment_id, expected_start=NOON + hour * HOUR
            )
            made.append((await create.create_run(work, request)).id)
    return made


async def settle(world: World) -> int:
    """Publish what happened, and count every hour that has settled; how many there were."""
    async with world.database.system() as work:
        while await upkeep.publish_events(work):
            pass
    async with world.database.system() as work:
        return await run_counts.refresh(work, marked_for=-SETTLING, most=500)


async def counts(world: World, *, filter: FlowRunFilter | None = None) -> dict[int, int]:
    """Return the waiting runs by bucket, after both ways of counting have agreed."""
    async with world.work() as work:
        quick = await read_counts(work, buckets=DAY, filter=filter)
        sure = await run_counts.count_runs(work, filter=filter, buckets=DAY)
    assert quick == sure
    return {place: size for (place, state), size in quick.items() if state is WAITING}


def of_one(world: World) -> list[FlowRunFilter]:
    """Return the filters for a flow and for a deployment."""
    flow, deployment = IdFilter(eq=world.deployed.flow_id), world.deployed.deployment_id
    return [
        FlowRunFilter(flow=FlowFilter(id=flow)),
        FlowRunFilter(deployment=DeploymentFilter(id=IdFilter(eq=deployment))),
    ]


async def test_counted_hours_agree_with_the_runs(world: World) -> None:
    await make_runs(world, 0, 0, 3, -12, 11, 12, -13)

    hours = await settle(world)

    assert hours == 6
    assert await counts(world) == {0: 1, 12: 2, 15: 1, 23: 1}


async def test_hour_that_changed_is_counted_from_its_runs_until_it_is_counted_anew(
    world: World,
) -> None:
    await make_runs(world, 0)
    await settle(world)

    await make_runs(world, 0, 1)
    async with world.database.system() as work:
        await upkeep.publish_events(work)

    assert await counts(world) == {12: 2, 13: 1}
    assert await settle(world) == 2
    assert await counts(world) == {12: 2, 13: 1}


async def test_state_that_a_run_enters_moves_its_count(world: World) -> None:
    lease = await world.started()
    await settle(world)

    await world.propose(lease, StateType.COMPLETED)
    await settle(world)

    async with world.work() as work:
        buckets = make_buckets(work.now - HOUR, work.now + HOUR, size=HOUR)
        found = await read_counts(work, buckets=buckets)
    assert {state: size for (_, state), size in found.items()} == {StateType.COMPLETED: 1}


async def test_deleted_run_is_counted_no_more(world: World) -> None:
    first, _ = await make_runs(world, 0, 0)
    await settle(world)

    async with world.work() as work:
        await work.execute(delete(work_items).where(work_items.c.run_id == first))
        await work.execute(delete(flow_runs).where(flow_runs.c.id == first))
    await settle(world)

    assert await counts(world) == {12: 1}


async def test_run_whose_start_moves_leaves_its_hour(world: World) -> None:
    (run_id,) = await make_runs(world, 0)
    await settle(world)

    async with world.work() as work:
        moved = update(flow_runs).where(flow_runs.c.id == run_id)
        await work.execute(moved.values(expected_start=NOON + 5 * HOUR))
    await settle(world)

    assert await counts(world) == {17: 1}


async def test_flow_and_deployment_have_counts_of_their_own(world: World) -> None:
    await make_runs(world, 0, 1)
    await settle(world)

    for filter_ in of_one(world):
        assert counted_scope(filter_, workspace_id=world.tenant.workspace_id) is not None
        assert await counts(world, filter=filter_) == {12: 1, 13: 1}
    other = FlowRunFilter(flow=FlowFilter(id=IdFilter(eq=UUID(int=1))))
    assert await counts(world, filter=other) == {}


async def test_hour_that_changed_reads_no_runs_but_its_own(world: World) -> None:
    """Of the workspace, a flow and a deployment: the hour of now changes all the time."""
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=20_000)
        end = work.now.replace(minute=0, second=0, microsecond=0)
    assert await settle(world) > 300
    async with world.system() as work:
        changed = {"workspace_id": work.workspace_id, "hour": end - HOUR}
        await work.execute(insert(stale_run_hours).values(changed))
        for table in ("run_counts", "stale_run_hours"):
            await work.execute(text(f"analyze {table}"))
    week = Buckets(end - 168 * HOUR, end, HOUR)

    for filter_ in (None, *of_one(world)):
        async with world.work() as work:
            before = await forbid_scans(work)
            found = await read_counts(work, buckets=week, filter=filter_)
            read = await reading(work, before)
            sure = await run_counts.count_runs(work, filter=filter_, buckets=week)
        assert found == sure
        assert read == Reading(scanned=(), rows=60 + 168 * 2), "the hour's runs, two counts an hour"


async def test_no_more_runs_are_read_than_a_bound(world: World) -> None:
    """The newest of the hours that changed are right, the others as they were counted last."""
    await make_runs(world, 0, -1, -1, -2)
    await settle(world)
    await make_runs(world, 0, -1, -2, -3)
    async with world.database.system() as work:
        await upkeep.publish_events(work)

    found: list[dict[int, int]] = []
    for most in (1, 2, 5, 8):
        async with world.work() as work:
            before = await forbid_scans(work)
            counted = await run_counts.count_by_hours(
                work, scope=CountedScope("workspace", work.workspace_id), buckets=DAY, most=most
            )
            found.append({place: size for (place, _), size in counted.items()})
            assert (await reading(work, before)).rows <= most + 1 + 3

    assert found == [
        {10: 1, 11: 2, 12: 1},
        {10: 1, 11: 2, 12: 2},
        {10: 1, 11: 3, 12: 2},
        {9: 1, 10: 2, 11: 3, 12: 2},
    ]


async def test_nothing_is_counted_before_it_has_settled(world: World) -> None:
    await make_runs(world, 0)
    async with world.database.system() as work:
        await upkeep.publish_events(work)

    async with world.database.system() as work:
        assert await refresh_counts(work) == 0


@pytest.mark.parametrize(
    ("low", "high", "size"),
    [
        (NOON, NOON + HOUR, timedelta(seconds=59)),
        (NOON, NOON, HOUR),
        (NOON, NOON + timedelta(days=401), timedelta(days=1)),
        (NOON, NOON + timedelta(minutes=501), timedelta(minutes=1)),
    ],
)
def test_buckets_are_bounded(low: datetime, high: datetime, size: timedelta) -> None:
    with pytest.raises(InvalidInput):
        make_buckets(low, high, size=size)


def test_buckets_of_whole_hours_begin_on_the_hour() -> None:
    hourly = make_buckets(NOON, NOON + HOUR, size=HOUR)
    fine = make_buckets(NOON, NOON + HOUR, size=timedelta(minutes=25))

    assert (hourly.low.minute, hourly.high.minute, hourly.count) == (0, 0, 2)
    assert (fine.low, fine.count, fine.start(2)) == (NOON, 3, NOON + timedelta(minutes=50))
