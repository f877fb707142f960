"""Quotas of runs: counted with their creation, exact whatever is killed, exceeded by little."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.backfills import BackfillRequest
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.quotas import (
    QuotaExceeded,
    QuotaKind,
    Usage,
    day_of,
    period_of,
    resets_at,
)
from headgate_server.loops import quotas as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.services import backfills, quotas, workspaces
from headgate_server.services.flow_runs import create
from headgate_server.services.flow_runs.create import BeginRequest, RunRequest
from headgate_server.services.flow_runs.create_once import create_runs_once
from headgate_server.services.workspaces import RetentionChanges
from headgate_server.settings import Timers
from headgate_server.tables.events import outbox
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import schedules
from tests.factories.schedules import EVERY_5, Scene, set_scene
from tests.fixtures.world import LEASE, World

pytestmark = pytest.mark.anyio

CREATORS = 8
BATCH = 7


async def limit(world: World, **limits: int | None) -> None:
    async with world.database.system() as work:
        await quotas.set_quotas(
            work,
            organization_id=world.tenant.organization_id,
            limits={QuotaKind(kind.upper()): most for kind, most in limits.items()},
        )


async def make(world: World, count: int) -> list[FlowRun | HeadgateError]:
    request = RunRequest(deployment_id=world.deployed.deployment_id)
    async with world.work() as work:
        return await create.create_runs(work, [request] * count)


async def runs_there(work: UnitOfWork, workspace_id: UUID) -> int:
    counted = await work.execute(
        select(func.count()).select_from(flow_runs).where(flow_runs.c.workspace_id == workspace_id)
    )
    return counted.scalar_one()


async def used(world: World, kind: QuotaKind = QuotaKind.RUNS_PER_MONTH) -> int:
    async with world.work() as work:
        found = await quotas.list_quotas(work, organization_id=world.tenant.organization_id)
    return next(one.used for one in found if one.kind is kind)


async def sum_up(world: World) -> int:
    context = LoopContext(database=world.database, bus=world.bus, timers=Timers())
    return await loop.run_once(context)


async def test_batch_is_created_as_far_as_there_is_room(world: World) -> None:
    await limit(world, runs_per_day=5)

    made = await make(world, 7)

    assert [type(one) for one in made] == [FlowRun] * 5 + [QuotaExceeded] * 2
    refused = made[-1]
    assert isinstance(refused, QuotaExceeded)
    assert (refused.kind, refused.limit, refused.current) == (QuotaKind.RUNS_PER_DAY, 5, 5)
    assert refused.reset_at == resets_at(QuotaKind.RUNS_PER_DAY, SystemClock().now())
    assert await used(world) == 5


async def test_batch_that_is_sent_again_tells_of_the_quota_as_before(world: World) -> None:
    await limit(world, runs_per_day=1)
    requests = [RunRequest(deployment_id=world.deployed.deployment_id)] * 2

    answers: list[object] = []
    for _ in range(2):
        async with world.work() as work:
            (made, refused), is_duplicate = await create_runs_once(
                work, requests, key="k", body="two", check=lambda: None
            )
        assert isinstance(made, FlowRun)
        assert isinstance(refused, QuotaExceeded)
        told = (refused.kind, refused.message, refused.limit, refused.current, refused.reset_at)
        answers.append((made.id, told))
        assert is_duplicate is (len(answers) > 1)

    assert answers[0] == answers[1]


async def test_raised_quota_lets_runs_begin_again(world: World) -> None:
    await limit(world, runs_per_month=1)
    first, second = await make(world, 2)

    await limit(world, runs_per_month=None)
    (third,) = await make(world, 1)

    assert isinstance(first, FlowRun)
    assert isinstance(second, QuotaExceeded)
    assert isinstance(third, FlowRun)


async def test_quota_of_the_day_starts_anew_at_midnight_and_the_months_does_not(
    world: World,
) -> None:
    await limit(world, runs_per_day=2, runs_per_month=3)
    now = SystemClock().now()
    # The 10th of the next month, so that a day later is the same month.
    start = (now.replace(day=1) + timedelta(days=32)).replace(day=10, hour=12)
    world.shift.by = start - now
    today = await make(world, 3)
    world.shift.by += timedelta(days=1)
    tomorrow = await make(world, 2)
    world.shift.by += timedelta(days=28)
    next_month = await make(world, 1)

    assert sum(isinstance(one, FlowRun) for one in today) == 2
    assert sum(isinstance(one, FlowRun) for one in tomorrow) == 1
    refused = tomorrow[-1]
    assert isinstance(refused, QuotaExceeded)
    assert refused.kind is QuotaKind.RUNS_PER_MONTH
    assert isinstance(next_month[0], FlowRun)


async def test_many_creators_exceed_a_quota_by_no_more_than_what_they_do_at_once(
    world: World,
) -> None:
    most = 100
    await limit(world, runs_per_day=most)

    async def go_on() -> int:
        count = 0
        while True:
            made = [one for one in await make(world, BATCH) if isinstance(one, FlowRun)]
            count += len(made)
            if len(made) < BATCH:
                return count

    counts = await asyncio.gather(*(go_on() for _ in range(CREATORS)))

    assert most <= sum(counts) <= most + (CREATORS - 1) * BATCH
    assert await used(world) == sum(counts)
    async with world.work() as work:
        assert await runs_there(work, world.tenant.workspace_id) == sum(counts)


async def test_what_is_counted_is_summed_up_and_stays_the_same(world: World) -> None:
    await sum_up(world)
    await make(world, 3)
    await make(world, 2)
    before = await used(world)

    summed = await sum_up(world)

    assert (before, summed, await used(world)) == (5, 2, 5)
    assert await sum_up(world) == 0
    async with world.work() as work:
        (day,) = await quotas.list_days(work, organization_id=world.tenant.organization_id, days=1)
    assert day.usage.runs == 5
    assert day.usage.run_bytes > 500


async def test_creation_that_is_rolled_back_counts_nothing(world: World) -> None:
    request = RunRequest(deployment_id=world.deployed.deployment_id)

    async with world.work() as work:
        await create.create_runs(work, [request] * 3)
        await work.connection.rollback()

    assert await used(world) == 0


async def test_run_in_its_own_process_is_refused_and_a_subflow_is_not(world: World) -> None:
    async with world.work() as work:
        begun = await create.begin_run(work, BeginRequest("outer"), lease=LEASE, parent=None)
    await limit(world, runs_per_day=1)

    with pytest.raises(QuotaExceeded):
        async with world.work() as work:
            await create.begin_run(work, BeginRequest("another"), lease=LEASE, parent=None)

    async with world.work() as work:
        assert await runs_there(work, world.tenant.workspace_id) == 1
    assert begun.run.name


async def test_warning_is_given_once_a_period_at_80_and_at_100_percent(
    world: World,
) -> None:
    await limit(world, runs_per_day=10)

    async def warnings() -> list[str]:
        await sum_up(world)
        async with world.system() as work:
            rows = await work.execute(
                select(outbox.c.name).where(outbox.c.name.like("quota.%")).order_by(outbox.c.name)
            )
        return list(rows.scalars())

    await make(world, 7)
    none = await warnings()
    await make(world, 1)
    one = await warnings()
    await make(world, 1)
    again = await warnings()
    await make(world, 1)
    both = await warnings()

    assert none == []
    assert one == again == ["quota.nearly_used_up"]
    assert both == ["quota.nearly_used_up", "quota.used_up"]


async def test_default_of_the_installation_counts_where_there_is_no_own_limit(
    world: World,
) -> None:
    await quotas.set_defaults(world.database, {QuotaKind.RUNS_PER_DAY: 1})
    by_default = await make(world, 2)
    await limit(world, runs_per_day=0)
    by_own = await make(world, 2)

    assert [isinstance(one, FlowRun) for one in by_default] == [True, False]
    assert [isinstance(one, FlowRun) for one in by_own] == [True, True]


async def test_nothing_is_kept_longer_than_the_organization_may(world: World) -> None:
    await limit(world, kept_days=60)

    async with world.work() as work:
        made = await workspaces.create_workspace(
            work, organization_id=world.tenant.organization_id, slug="short", name="Short"
        )
    with pytest.raises(QuotaExceeded) as refused:
        async with world.work() as work:
            await workspaces.update_workspace(
                work,
                id_=world.tenant.workspace_id,
                retention=RetentionChanges(runs_kept_days=90, logs_kept_days=30),
            )

    assert (made.runs_kept_days, made.logs_kept_days, made.events_kept_days) == (60, 60, 60)
    assert (refused.value.limit, refused.value.current) == (60, 90)


@pytest.mark.parametrize(
    ("kind", "day", "starts"),
    [
        (QuotaKind.RUNS_PER_DAY, date(2026, 12, 31), date(2027, 1, 1)),
        (QuotaKind.RUNS_PER_MONTH, date(2026, 12, 31), date(2027, 1, 1)),
        (QuotaKind.LOG_BYTES_PER_MONTH, date(2028, 2, 29), date(2028, 3, 1)),
        (QuotaKind.STORED_BYTES, date(2026, 12, 31), None),
    ],
)
def test_quota_starts_anew_at_midnight_utc(kind: QuotaKind, day: date, starts: date | None) -> None:
    evening = datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)

    found = resets_at(kind, evening)

    assert (found.date() if found else None) == starts
    assert period_of(kind, evening) in {day, day.replace(day=1)}


async def test_schedule_skips_what_a_quota_has_no_room_for_and_says_so(
    urls: DatabaseUrls,
) -> None:
    async with set_scene(urls) as scene:
        async with scene.database.system() as work:
            await quotas.set_quotas(
                work,
                organization_id=scene.tenant.organization_id,
                limits={QuotaKind.RUNS_PER_DAY: 1},
            )
        await scene.put(EVERY_5)

        await scene.tick()

        ledger = await scene.ledger()
        async with scene.database.system() as work:
            told = await work.execute(
                select(outbox.c.payload).where(outbox.c.name == "schedule.refused")
            )
            (payload,) = told.scalars()
    assert ledger[:2] == [("12:05", "CREATED"), ("12:10", "SKIPPED")]
    assert payload["code"] == "QUOTA_EXCEEDED"
    assert "RUNS_PER_DAY" in payload["message"]


async def fill_storage(scene: Scene, *, stored: int, most: int) -> None:
    """Have the organization of a scene store so many bytes, of so many."""
    async with scene.database.system() as work:
        organization_id = scene.tenant.organization_id
        limits = {QuotaKind.STORED_BYTES: most}
        await quotas.set_quotas(work, organization_id=organization_id, limits=limits)
        usage = {organization_id: Usage(log_bytes=stored)}
        await quotas.insert_usage(work, usage, day=day_of(work.now))


async def test_schedule_makes_no_runs_while_storage_is_used_up_and_says_so(
    urls: DatabaseUrls,
) -> None:
    async with set_scene(urls) as scene:
        await fill_storage(scene, stored=100, most=100)
        await scene.put(EVERY_5)

        await scene.tick()
        full = await scene.ledger()
        async with scene.database.system() as work:
            told = await work.execute(
                select(outbox.c.payload).where(outbox.c.name == "schedule.refused")
            )
            (payload,) = told.scalars()
            missed = (await work.execute(select(schedules.c.missed_count))).scalar_one()
        await fill_storage(scene, stored=0, most=1_000_000)
        await scene.tick(minutes=10)
        after = await scene.ledger()

    assert {status for _, status in full} == {"SKIPPED"}
    assert missed == len(full)
    assert (payload["code"], "STORED_BYTES" in payload["message"]) == ("QUOTA_EXCEEDED", True)
    assert after[: len(full)] == full
    assert "CREATED" in {status for _, status in after[len(full) :]}


async def test_backfill_makes_no_runs_while_storage_is_used_up(world: World) -> None:
    asked = BackfillRequest(
        deployment_id=world.deployed.deployment_id, parameter_sets=[{"day": 1}, {"day": 2}]
    )
    async with world.work() as work:
        made = await backfills.create_backfill(work, asked)
    async with world.system() as work:
        usage = {world.tenant.organization_id: Usage(log_bytes=100)}
        await quotas.insert_usage(work, usage, day=day_of(work.now))
    counts: list[int] = []

    for most in (100, 10_000_000):
        await limit(world, stored_bytes=most)
        async with world.system() as work:
            counts.append(await backfills.advance_backfill(work, id_=made.id))

    assert counts == [0, 1]


def test_usage_adds_up() -> None:
    one, other = Usage(runs=1, log_bytes=5), Usage(runs=2, api_points=7)

    assert one.plus(other) == Usage(runs=3, api_points=7, log_bytes=5)
    assert one.plus(other).minus(other) == one


async def test_no_quota_is_counted_by_scanning_runs(world: World) -> None:
    """Runs that retention has deleted were used all the same."""
    await make(world, 2)
    async with world.system() as work:
        await work.execute(text("delete from work_items"))
        await work.execute(text("delete from flow_run_tags"))

    assert await used(world) == 2
