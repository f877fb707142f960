"""Outages on a real database at a set time: exact counts for every policy, in few statements."""

from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.ids import new_id
from headgate_server.domain.schedules.catch_up import CatchUp, CatchUpPolicy
from headgate_server.domain.schedules.plan import STEPS_OF_A_PART
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec, Spec
from headgate_server.domain.wall_clocks import TZDATA_VERSION
from headgate_server.repositories.schedules import insert_schedule
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import schedule_fires, schedules
from tests.factories.events import recorded
from tests.factories.schedules import EVERY_5, HOUR, MINUTE, NOON, Scene, set_scene

OUTAGE = 6 * HOUR
SCHEDULES = 1_000
SPECS: list[tuple[Spec, timedelta]] = [
    (CronSpec("*/20 * * * *"), 20 * MINUTE),
    (IntervalSpec(30 * MINUTE, NOON), 30 * MINUTE),
    (RRuleSpec("DTSTART:20200101T000000\nFREQ=HOURLY"), HOUR),
]
POLICIES = [
    CatchUp(CatchUpPolicy.SKIP),
    CatchUp(CatchUpPolicy.LATEST),
    CatchUp(CatchUpPolicy.ALL, max=4),
    CatchUp(CatchUpPolicy.ALL, max=100, window=2 * HOUR),
]


@pytest.fixture
async def scene(urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    async with set_scene(urls) as scene:
        yield scene


def case(number: int) -> tuple[Spec, timedelta, CatchUp]:
    spec, every = SPECS[number % len(SPECS)]
    return spec, every, POLICIES[number // len(SPECS) % len(POLICIES)]


def oracle(every: timedelta, catch_up: CatchUp, *, now: datetime) -> tuple[int, int]:
    """Return how many instants are missed for good and how many runs there are, by counting."""
    missed: list[datetime] = []
    ahead = 0
    at = NOON + every
    while at <= now + 15 * MINUTE:
        if at <= now - MINUTE:
            missed.append(at)
        else:
            ahead += 1
        at += every
    fresh = [at for at in missed if now - at <= catch_up.window]
    made = {"SKIP": 0, "LATEST": min(1, len(fresh)), "ALL": min(catch_up.max, len(fresh))}
    caught_up = made[catch_up.policy.value]
    return len(missed) - caught_up, caught_up + ahead


async def put_many(scene: Scene) -> None:
    tenant = scene.tenant
    async with scene.database.tenant(tenant.owner, tenant.workspace_id) as work:
        for number in range(SCHEDULES):
            spec, every, catch_up = case(number)
            values: dict[str, Any] = {
                "spec": spec,
                "catch_up": catch_up,
                "next_fire_at": NOON + every,
            }
            await insert_schedule(
                work,
                id_=new_id(),
                deployment_id=scene.deployment.id,
                slug=f"s-{number}",
                values=values,
            )


async def test_counts_are_exact_after_six_hours_with_a_thousand_schedules(
    scene: Scene, statements: list[str]
) -> None:
    await put_many(scene)
    assert scene.hands.at is not None
    scene.hands.at += OUTAGE + timedelta(seconds=90)
    now = scene.hands.at
    statements.clear()
    ticks = 1
    while await scene.tick(limit=100) == 100:
        ticks += 1
    ran = len(statements)

    async with scene.database.system() as work:
        found = (await work.execute(select(schedules))).all()
        runs = Counter((await work.execute(select(flow_runs.c.schedule_id))).scalars())
        fires = (
            await work.execute(select(schedule_fires.c.outcome, schedule_fires.c.tzdata))
        ).all()
    expected = {f"s-{n}": oracle(case(n)[1], case(n)[2], now=now) for n in range(SCHEDULES)}
    assert {row.slug: (row.missed_count, runs[row.id]) for row in found} == expected
    assert min(row.next_fire_at for row in found) > now + 15 * MINUTE
    missed = sum(count for count, _ in expected.values())
    created = sum(count for _, count in expected.values())
    assert Counter(row.outcome for row in fires) == {"SKIPPED": missed, "CREATED": created}
    assert {row.tzdata for row in fires} == {TZDATA_VERSION}
    assert ticks == 11
    assert ran <= ticks * 16
    told = [
        payload
        for name, _, payload in await recorded(scene.database, scene.tenant)
        if name == "schedule.missed"
    ]
    assert sum(payload["missed"] for payload in told) == missed
    assert len(told) == sum(1 for count, _ in expected.values() if count)


async def test_outage_is_told_once_however_many_parts_it_was_gone_through_in(
    scene: Scene,
) -> None:
    rule = RRuleSpec("DTSTART:20200101T000000\nFREQ=MINUTELY;INTERVAL=5")
    catch_up = CatchUp(CatchUpPolicy.LATEST, window=HOUR)
    made = await scene.put(replace(EVERY_5, spec=rule, catch_up=catch_up))
    days = 40

    await scene.tick(minutes=days * 1440 + 2.5)
    during = await scene.schedule(made.id)
    while await scene.tick():
        pass

    total = days * 288 - 1
    assert 0 < during.episode_missed == during.missed_count <= STEPS_OF_A_PART
    found = await scene.schedule(made.id)
    assert (found.missed_count, found.episode_missed, found.episode_started_at) == (total, 0, None)
    told = [
        payload
        for name, _, payload in await recorded(scene.database, scene.tenant)
        if name == "schedule.missed"
    ]
    assert told == [
        {
            "missed": total,
            "caughtUp": 1,
            "since": "2026-11-23T12:05:00+00:00",
            "policy": "LATEST",
        }
    ]


async def test_all_that_the_window_holds_is_caught_up_however_long_the_outage(
    scene: Scene,
) -> None:
    catch_up = CatchUp(CatchUpPolicy.ALL, max=1_000, window=timedelta(days=31))
    await scene.put(replace(EVERY_5, spec=IntervalSpec(HOUR, NOON), catch_up=catch_up))

    await scene.tick(minutes=65 * 1440 + 30)
    while await scene.tick():
        pass

    assert len(await scene.starts()) == 31 * 24


async def test_one_transaction_makes_a_bounded_number_of_runs(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate_server.services.schedules.fire.RUNS_AT_ONCE", 7)
    for number in range(4):
        await scene.put(replace(EVERY_5, slug=f"s{number}"))
    made: list[int] = []

    while await scene.tick():
        made.append(len(await scene.starts()))

    assert made == [6, 12]


async def test_schedule_whose_runs_would_all_be_refused_is_refused(scene: Scene) -> None:
    schema = {
        "type": "object",
        "properties": {"size": {"type": "integer"}, "kind": {"type": "string"}},
        "required": ["size", "day"],
    }
    await scene.change(DeploymentChanges(parameter_schema=schema))

    for parameters in (None, {"day": 1, "size": "large"}):
        with pytest.raises(InvalidInput) as refused:
            await scene.put(replace(EVERY_5, parameters=parameters))
        assert refused.value.path[0] == "parameters"
    await scene.put(replace(EVERY_5, parameters={"day": 1}))
    await scene.tick()

    assert len(await scene.starts()) == 3
