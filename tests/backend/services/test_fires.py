"""Schedules on a real database at a set time: runs made ahead, each once, also after an outage."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.schedules.catch_up import CatchUp, CatchUpPolicy
from headgate_server.domain.schedules.specs import IntervalSpec
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.schedules import fire, upsert
from headgate_server.tables.flow_runs import flow_runs
from tests.factories.events import recorded
from tests.factories.schedules import (
    EVERY_5,
    HORIZON,
    HOUR,
    HOURLY,
    MINUTE,
    NOON,
    Scene,
    make_deployment,
    set_scene,
)
from tests.factories.tenants import make_tenant


@pytest.fixture
async def scene(urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    async with set_scene(urls) as scene:
        yield scene


async def test_runs_are_made_up_to_the_horizon_and_once(scene: Scene) -> None:
    made = await scene.put(EVERY_5)

    counts = [await scene.tick(), await scene.tick(), await scene.tick(minutes=5)]

    assert counts == [1, 0, 1]
    assert await scene.starts() == ["12:05", "12:10", "12:15", "12:20"]
    assert await scene.ledger() == [(at, "CREATED") for at in ("12:05", "12:10", "12:15", "12:20")]
    assert made.next_fire_at == NOON + 5 * MINUTE
    assert (await scene.schedule(made.id)).next_fire_at == NOON + 25 * MINUTE


async def test_run_of_a_schedule_takes_parameters_of_both_and_says_why_it_is(
    scene: Scene,
) -> None:
    made = await scene.put(replace(HOURLY, parameters={"size": 5}))

    await scene.tick(minutes=50)

    async with scene.database.system() as work:
        run = (await work.execute(select(flow_runs))).one()
    assert run.parameters == {"size": 5, "kind": "x"}
    assert (run.schedule_id, run.expected_start) == (made.id, NOON + HOUR)
    assert run.triggered_by["slug"] == "hourly"
    assert run.triggered_by["fireAt"] == "2026-11-23T13:00:00+00:00"
    assert run.created_by_kind == "system"


async def test_five_schedulers_at_once_make_each_run_once(scene: Scene) -> None:
    for number in range(4):
        await scene.put(replace(EVERY_5, slug=f"s{number}"))

    async def run_once() -> int:
        async with scene.database.system() as work:
            return await fire.materialise(work, horizon=HORIZON, limit=2)

    await asyncio.gather(*(run_once() for _ in range(5)))
    while await scene.tick():
        pass

    assert await scene.starts() == ["12:05"] * 4 + ["12:10"] * 4 + ["12:15"] * 4
    assert len(await scene.ledger()) == 12


async def test_schedules_of_every_workspace_are_made_in_their_own(scene: Scene) -> None:
    other = await make_tenant(scene.database)
    deployed = await make_deployment(scene.database, other)
    await scene.put(HOURLY)
    async with scene.database.tenant(other.owner, other.workspace_id) as work:
        await upsert.upsert_schedule(work, deployment_id=deployed.id, wanted=HOURLY)

    assert await scene.tick(minutes=50) == 2

    for tenant in (scene.tenant, other):
        async with scene.database.tenant(tenant.owner, tenant.workspace_id) as work:
            rows = (await work.execute(select(flow_runs.c.workspace_id))).scalars()
            assert list(rows) == [tenant.workspace_id]


@pytest.mark.parametrize(
    ("catch_up", "starts", "missed"),
    [
        (CatchUp(CatchUpPolicy.SKIP), ["15:30", "15:35", "15:40", "15:45"], 41),
        (CatchUp(CatchUpPolicy.LATEST), ["15:25", "15:30", "15:35", "15:40", "15:45"], 40),
        (
            CatchUp(CatchUpPolicy.ALL, max=2),
            ["15:20", "15:25", "15:30", "15:35", "15:40", "15:45"],
            39,
        ),
        (
            CatchUp(CatchUpPolicy.ALL, window=14 * MINUTE),
            ["15:20", "15:25", "15:30", "15:35", "15:40", "15:45"],
            39,
        ),
    ],
)
async def test_after_an_outage_the_policy_decides(
    scene: Scene, catch_up: CatchUp, starts: list[str], missed: int
) -> None:
    made = await scene.put(replace(EVERY_5, catch_up=catch_up))

    await scene.tick(minutes=210.5)

    assert await scene.starts() == starts
    found = await scene.schedule(made.id)
    assert found.missed_count == missed
    assert found.next_fire_at == NOON + 230 * MINUTE
    ledger = await scene.ledger()
    assert len(ledger) == missed + len(starts)
    assert [at for at, outcome in ledger if outcome == "CREATED"] == starts


async def test_year_of_outage_is_gone_through_in_parts_that_always_end(scene: Scene) -> None:
    every_second = replace(EVERY_5, spec=IntervalSpec(timedelta(seconds=1), NOON))
    made = await scene.put(replace(every_second, catch_up=CatchUp(CatchUpPolicy.LATEST)))
    seen = [made.next_fire_at]
    year = 365 * 24 * 60

    await scene.tick(minutes=year)
    while await scene.tick():
        seen.append((await scene.schedule(made.id)).next_fire_at)

    moments = [at for at in seen if at is not None]
    assert moments == sorted(set(moments))
    found = await scene.schedule(made.id)
    assert found.next_fire_at == NOON + timedelta(days=365, minutes=15, seconds=1)
    assert found.missed_count == 365 * 86_400 - 60 - 1
    assert len(await scene.starts()) == 1 + 60 + 900


async def test_refused_runs_are_counted_and_hold_up_nobody(scene: Scene) -> None:
    refused = await scene.put(EVERY_5)
    other = await make_tenant(scene.database)
    deployed = await make_deployment(scene.database, other)
    async with scene.database.tenant(other.owner, other.workspace_id) as work:
        await upsert.upsert_schedule(work, deployment_id=deployed.id, wanted=EVERY_5)
    await scene.change(DeploymentChanges(work_pool_name=None))

    assert await scene.tick() == 2

    assert await scene.starts() == ["12:05", "12:10", "12:15"]
    found = await scene.schedule(refused.id)
    assert (found.missed_count, found.next_fire_at) == (3, NOON + 20 * MINUTE)
    name, _, payload = (await recorded(scene.database, scene.tenant))[-1]
    assert (name, payload["code"]) == ("schedule.refused", "INVALID")
    assert sorted(await scene.ledger()) == sorted(
        [(at, outcome) for at in ("12:05", "12:10", "12:15") for outcome in ("CREATED", "SKIPPED")]
    )
