"""A long outage of many schedules: gone through bit by bit, beside those that are on time."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row, select, update

from headgate_server.bus.bus import Bus
from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.ids import new_id
from headgate_server.domain.schedules.catch_up import CatchUp, CatchUpPolicy
from headgate_server.domain.schedules.plan import MAX_SKIPPED, STEPS_OF_A_PART
from headgate_server.domain.schedules.schedule import Due
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec, Spec
from headgate_server.loops import missed_schedules, schedules
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.pace import Pace
from headgate_server.repositories.schedules import insert_schedule
from headgate_server.services.schedules import fire
from headgate_server.services.schedules.fire import STEPS_AT_ONCE
from headgate_server.settings import Timers
from headgate_server.tables import flows
from headgate_server.tables.flow_runs import flow_runs
from tests.factories.schedules import HORIZON, MINUTE, NOON, Scene, set_scene

DAY = timedelta(days=1)
OUTAGE = 40 * DAY
BACK = NOON + OUTAGE + timedelta(seconds=90)
CRON = CronSpec("* * * * *", "Europe/London")
RULE = RRuleSpec("DTSTART:20200101T000000\nFREQ=MINUTELY", "Europe/London")
POLICIES = [
    CatchUp(CatchUpPolicy.LATEST, window=31 * DAY),
    CatchUp(CatchUpPolicy.ALL, max=7, window=31 * DAY),
    CatchUp(CatchUpPolicy.SKIP),
]
MISSED = 40 * 1440
"""The minutes from the first after noon to the last that is a minute ago."""


@pytest.fixture
async def scene(urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    async with set_scene(urls) as scene:
        yield scene


async def put(
    scene: Scene, slug: str, spec: Spec, *, catch_up: CatchUp, next_fire_at: datetime
) -> UUID:
    tenant, id_ = scene.tenant, new_id()
    values: dict[str, Any] = {"spec": spec, "catch_up": catch_up, "next_fire_at": next_fire_at}
    async with scene.database.tenant(tenant.owner, tenant.workspace_id) as work:
        await insert_schedule(
            work, id_=id_, deployment_id=scene.deployment.id, slug=slug, values=values
        )
    return id_


async def put_behind(scene: Scene, spec: Spec, *, many: int) -> list[CatchUp]:
    """Put schedules that nobody has looked at since noon; the scheduler is back after 40 days."""
    catch_ups = [POLICIES[number % len(POLICIES)] for number in range(many)]
    for number, catch_up in enumerate(catch_ups):
        slug = f"s{number:02}"
        await put(scene, slug, spec, catch_up=catch_up, next_fire_at=NOON + MINUTE)
    scene.hands.at = BACK
    return catch_ups


async def put_on_time(scene: Scene) -> UUID:
    spec = IntervalSpec(MINUTE, NOON)
    first = NOON + OUTAGE + 2 * MINUTE
    return await put(scene, "on-time", spec, catch_up=CatchUp(), next_fire_at=first)


async def stored(scene: Scene) -> Sequence[Row[Any]]:
    async with scene.database.system() as work:
        found = await work.execute(select(flows.schedules).order_by(flows.schedules.c.slug))
        return found.all()


async def starts(scene: Scene, schedule_id: UUID) -> list[datetime]:
    async with scene.database.system() as work:
        rows = await work.execute(
            select(flow_runs.c.expected_start)
            .where(flow_runs.c.schedule_id == schedule_id)
            .order_by(flow_runs.c.expected_start)
        )
        return list(rows.scalars())


async def fire_round(scene: Scene, due: Due) -> int:
    async with scene.database.system() as work:
        return await fire.materialise(work, horizon=HORIZON, limit=50, due=due)


def missed_and_behind(rows: Sequence[Row[Any]]) -> tuple[int, int]:
    behind = [row for row in rows if row.next_fire_at <= BACK - MINUTE]
    return sum(row.missed_count for row in rows), len(behind)


async def test_sixty_crons_of_every_minute_are_back_after_forty_days(scene: Scene) -> None:
    catch_ups = await put_behind(scene, CRON, many=60)
    rounds, behind = 0, 60
    while await fire_round(scene, Due.BEHIND):
        rounds += 1
        _, still = missed_and_behind(await stored(scene))
        assert still < behind, "a round without progress"
        behind = still

    rows = await stored(scene)
    async with scene.database.system() as work:
        runs = Counter((await work.execute(select(flow_runs.c.schedule_id))).scalars())
    assert [row.missed_count for row in rows] == [MISSED - one.most for one in catch_ups]
    assert [runs[row.id] for row in rows] == [one.most + 16 for one in catch_ups]
    assert {row.next_fire_at for row in rows} == {NOON + OUTAGE + 17 * MINUTE}
    assert behind == 0
    assert rounds <= 20


async def test_rules_that_must_be_walked_go_forward_by_so_many_instants_a_round(
    scene: Scene,
) -> None:
    catch_ups = await put_behind(scene, RULE, many=3)
    most = STEPS_AT_ONCE + STEPS_OF_A_PART + MAX_SKIPPED
    before, counts = 0, list[int]()
    while await fire_round(scene, Due.BEHIND):
        missed, _ = missed_and_behind(await stored(scene))
        counts.append(missed - before)
        before = missed

    rows = await stored(scene)
    assert [row.missed_count for row in rows] == [MISSED - one.most for one in catch_ups]
    assert {row.episode_started_at for row in rows} == {None}
    assert len(counts) > 3 * MISSED // most
    assert 0 < min(counts) <= max(counts) <= most


async def test_those_on_time_fire_while_others_are_far_behind(scene: Scene, redis_url: str) -> None:
    await put_behind(scene, RULE, many=2)
    on_time = await put_on_time(scene)
    context = LoopContext(scene.database, Bus(redis_url, prefix="test"), Timers())
    rounds = 0
    while missed_and_behind(await stored(scene))[1]:
        assert scene.hands.at is not None
        await schedules.run_once(context)
        at_hand = [at for at in await starts(scene, on_time) if at > scene.hands.at]
        assert len(at_hand) == 15
        assert await fire_round(scene, Due.BEHIND) > 0
        scene.hands.at += MINUTE
        rounds += 1

    first = NOON + OUTAGE + 2 * MINUTE
    assert rounds > 10
    assert await starts(scene, on_time) == [first + n * MINUTE for n in range(14 + rounds)]
    (row,) = [row for row in await stored(scene) if row.id == on_time]
    assert row.missed_count == 0


async def test_a_loop_takes_so_many_rounds_and_asks_to_be_called_again(
    scene: Scene, redis_url: str
) -> None:
    await put_behind(scene, RULE, many=2)
    bus = Bus(redis_url, prefix="test")
    context = LoopContext(scene.database, bus, Timers())
    calls = [await missed_schedules.run_once(context)]
    while calls[-1]:
        calls.append(await missed_schedules.run_once(context))

    assert len(calls) > 3
    assert missed_and_behind(await stored(scene)) == (2 * MISSED - 8, 0)


async def test_a_schedule_that_cannot_be_read_holds_the_others_up_for_some_rounds_only(
    scene: Scene, redis_url: str
) -> None:
    await put_behind(scene, CRON, many=4)
    async with scene.database.system() as work:
        await work.execute(
            update(flows.schedules).where(flows.schedules.c.slug == "s00").values(spec={})
        )
    context = LoopContext(scene.database, Bus(redis_url, prefix="test"), Timers())
    failures = 0
    for _ in range(8):
        with suppress(KeyError):
            await missed_schedules.run_once(context)
            continue
        failures += 1

    assert failures >= 6
    rows = await stored(scene)
    assert [row.missed_count > 0 for row in rows] == [False, True, True, True]


def test_a_pace_halves_where_it_fails_and_passes_over_what_fails_alone() -> None:
    pace = Pace(most=50, at_once=50)
    taken: list[tuple[int, int]] = []

    for seen in (None, None, None, None, None, None, 1, 2, 3, 0):
        pace.has_ended(seen)
        taken.append((pace.at_once, pace.passed_over))

    assert taken[:6] == [(25, 0), (12, 0), (6, 0), (3, 0), (1, 0), (1, 1)]
    assert taken[6:] == [(2, 1), (4, 1), (8, 0), (16, 0)]
