"""Schedules on a real database at a set time: what edits, pauses and deletions do."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.errors import InvalidInput, LimitExceeded, NotFound, VersionConflict
from headgate_server.domain.schedules.catch_up import CatchUp, CatchUpPolicy
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs.create import RunRequest, create_run
from headgate_server.services.schedules import fire, read, upsert
from headgate_server.tables.flow_runs import flow_runs, states
from headgate_server.tables.work_pools import work_items
from tests.factories.databases import somebody_waits
from tests.factories.events import recorded
from tests.factories.schedules import (
    EVERY_5,
    HORIZON,
    HOUR,
    HOURLY,
    MINUTE,
    NOON,
    Scene,
    set_scene,
)
from tests.fixtures.deadlines import eventually


@pytest.fixture
async def scene(urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    async with set_scene(urls) as scene:
        yield scene


async def test_edit_replaces_runs_that_nobody_has_taken_up(scene: Scene) -> None:
    made = await scene.put(EVERY_5)
    await scene.tick()
    await scene.take_up(NOON + 5 * MINUTE)

    edited = await scene.put(replace(EVERY_5, spec=IntervalSpec(3 * MINUTE, NOON)))

    assert await scene.starts() == ["12:05"]
    assert await scene.ledger() == [("12:05", "CREATED")]
    assert (edited.id, edited.version, edited.generation) == (made.id, 2, 2)
    assert edited.next_fire_at == NOON + 3 * MINUTE
    async with scene.database.system() as work:
        assert (await work.execute(select(func.count()).select_from(states))).scalar_one() == 1
        assert (await work.execute(select(func.count()).select_from(work_items))).scalar_one() == 1
    names = [name for name, _, _ in await recorded(scene.database, scene.tenant)]
    assert names.count("flow_run.deleted") == 2
    assert await scene.tick() == 1
    assert await scene.starts() == ["12:03", "12:05", "12:06", "12:09", "12:12", "12:15"]


async def test_instant_whose_run_was_taken_up_early_is_not_made_again(scene: Scene) -> None:
    await scene.put(EVERY_5)
    await scene.tick()
    await scene.take_up(NOON + 10 * MINUTE)

    await scene.put(replace(EVERY_5, parameters={"size": 9}))
    await scene.tick()

    assert await scene.starts() == ["12:05", "12:10", "12:15"]


async def test_same_schedule_again_changes_nothing(scene: Scene) -> None:
    bare = replace(EVERY_5, spec=5 * MINUTE)
    made = await scene.put(bare)
    await scene.tick(minutes=1)

    again = await scene.put(bare)

    assert made.spec == IntervalSpec(5 * MINUTE, NOON)
    assert again == await scene.schedule(made.id)
    assert again.version == 1
    assert await scene.starts() == ["12:05", "12:10", "12:15"]


async def test_other_catch_up_leaves_the_runs_alone(scene: Scene) -> None:
    made = await scene.put(EVERY_5)
    await scene.tick()

    changed = await scene.put(replace(EVERY_5, catch_up=CatchUp(CatchUpPolicy.ALL)))

    assert (changed.version, changed.generation) == (2, 1)
    assert changed.next_fire_at == NOON + 20 * MINUTE
    assert changed.id == made.id
    assert len(await scene.starts()) == 3


async def test_paused_schedule_loses_its_runs_and_makes_none(scene: Scene) -> None:
    made = await scene.put(EVERY_5)
    await scene.tick()

    await scene.put(replace(EVERY_5, is_active=False))

    assert await scene.starts() == []
    assert await scene.ledger() == []
    assert await scene.tick(minutes=60) == 0
    await scene.put(EVERY_5)
    await scene.tick()
    assert await scene.starts() == ["13:05", "13:10", "13:15"]
    assert (await scene.schedule(made.id)).missed_count == 0


async def test_paused_deployment_stops_its_schedules_and_resumes_from_now(scene: Scene) -> None:
    made = await scene.put(replace(EVERY_5, catch_up=CatchUp(CatchUpPolicy.ALL)))
    await scene.tick()
    async with scene.database.tenant(scene.tenant.owner, scene.tenant.workspace_id) as work:
        own = await create_run(work, RunRequest(deployment_id=scene.deployment.id))

    await scene.pause()

    async with scene.database.system() as work:
        left = (await work.execute(select(work_items.c.run_id, work_items.c.is_held))).all()
    assert [(row.run_id, row.is_held) for row in left] == [(own.id, True)]
    paused = await scene.schedule(made.id)
    assert (paused.is_active, paused.next_fire_at) == (True, None)
    assert await scene.tick(minutes=60) == 0
    await scene.pause(is_paused=False)
    await scene.tick()
    assert await scene.starts() == ["12:00", "13:05", "13:10", "13:15"]
    resumed = await scene.schedule(made.id)
    assert resumed.missed_count == 0
    assert resumed.next_fire_at == NOON + HOUR + 20 * MINUTE


async def test_schedule_of_a_paused_deployment_waits_for_it(scene: Scene) -> None:
    await scene.pause()
    made = await scene.put(EVERY_5)

    assert made.next_fire_at is None
    assert await scene.tick() == 0


async def test_changed_parameters_reach_the_runs_to_come_but_not_the_due_ones(
    scene: Scene,
) -> None:
    await scene.put(EVERY_5)
    await scene.tick()
    await scene.tick(minutes=7)

    await scene.change(DeploymentChanges(parameters={"size": 4}))
    await scene.tick()

    async with scene.database.system() as work:
        rows = await work.execute(
            select(flow_runs.c.parameters).order_by(flow_runs.c.expected_start)
        )
        sizes = [parameters["size"] for parameters in rows.scalars()]
    assert await scene.starts() == ["12:05", "12:10", "12:15", "12:20"]
    assert sizes == [3, 4, 4, 4]


async def test_change_of_a_deployment_keeps_what_waits_for_its_catch_up(scene: Scene) -> None:
    await scene.put(replace(EVERY_5, catch_up=CatchUp(CatchUpPolicy.LATEST)))
    assert scene.hands.at is not None
    scene.hands.at += HOUR + 2 * MINUTE

    await scene.change(DeploymentChanges(parameters={"size": 4}))
    await scene.tick()

    assert await scene.starts() == ["13:00", "13:05", "13:10", "13:15"]


async def test_deleted_schedule_takes_its_ledger_and_waiting_runs_along(scene: Scene) -> None:
    made = await scene.put(EVERY_5)
    await scene.tick()
    await scene.take_up(NOON + 5 * MINUTE)
    await scene.put(replace(EVERY_5, catch_up=CatchUp(CatchUpPolicy.ALL)))

    async with scene.database.tenant(scene.tenant.owner, scene.tenant.workspace_id) as work:
        with pytest.raises(VersionConflict):
            await upsert.delete_schedule(work, id_=made.id, expected_version=1)
        await upsert.delete_schedule(work, id_=made.id, expected_version=2)
        with pytest.raises(NotFound):
            await upsert.delete_schedule(work, id_=made.id)

    assert await scene.starts() == ["12:05"]
    assert await scene.ledger() == []
    assert await scene.tick(minutes=60) == 0


async def test_edit_waits_for_a_scheduler_at_work_and_then_removes_what_it_made(
    scene: Scene,
) -> None:
    await scene.put(EVERY_5)

    async def edit() -> None:
        await scene.put(replace(EVERY_5, is_active=False))

    async with scene.database.system() as work:
        await fire.materialise(work, horizon=HORIZON, limit=50)
        editing = asyncio.create_task(edit())
        await eventually(lambda: somebody_waits(work), what="the edit that waits for a row")
    await editing

    assert await scene.starts() == []


async def test_bad_schedules_are_refused(scene: Scene) -> None:
    bad = [
        replace(HOURLY, slug="Bad Slug"),
        replace(HOURLY, spec=CronSpec("61 * * * *")),
        replace(HOURLY, spec=CronSpec("0 * * * *", timezone="Mars/Olympus")),
        replace(HOURLY, spec=timedelta(milliseconds=1)),
        replace(HOURLY, catch_up=CatchUp(max=0)),
        replace(HOURLY, parameters={"a": "\0"}),
    ]

    for wanted in bad:
        with pytest.raises(InvalidInput):
            await scene.put(wanted)
    with pytest.raises(NotFound):
        await scene.put(HOURLY, expected_version=1)
    made = await scene.put(HOURLY)
    with pytest.raises(VersionConflict):
        await scene.put(replace(HOURLY, is_active=False), expected_version=2)
    assert await scene.schedule(made.id) == made


async def test_deployment_has_at_most_fifty_schedules(scene: Scene) -> None:
    for number in range(50):
        await scene.put(replace(HOURLY, slug=f"s{number}"))

    with pytest.raises(LimitExceeded) as refused:
        await scene.put(HOURLY)

    assert (refused.value.limit, refused.value.current) == (50, 50)


def many_schedules(count: int, *, cron: str) -> DeploymentChanges:
    return DeploymentChanges(
        schedules=[
            replace(HOURLY, slug=f"s{number:02}", spec=CronSpec(cron, "Europe/London"))
            for number in range(count)
        ]
    )


async def test_deploying_takes_the_same_statements_however_many_schedules_it_has(
    scene: Scene, statements: list[str]
) -> None:
    ran: dict[str, list[int]] = {}
    for count in (1, 50):
        steps = {
            "made": many_schedules(count, cron="* * * * *"),
            "same": many_schedules(count, cron="* * * * *"),
            "changed": many_schedules(count, cron="*/2 * * * *"),
            "deleted": DeploymentChanges(schedules=[]),
        }
        for name, changes in steps.items():
            statements.clear()
            await scene.change(changes)
            ran.setdefault(name, []).append(len(statements))
            if name == "changed":
                found = await all_schedules(scene)
                assert [one.version for one in found] == [2] * count
                assert {one.spec for one in found} == {CronSpec("*/2 * * * *", "Europe/London")}
                assert {one.next_fire_at for one in found} == {NOON + 2 * MINUTE}
            await scene.tick()

    assert all(few == many for few, many in ran.values()), ran
    assert await all_schedules(scene) == []
    assert await scene.starts() == []
    names = [name for name, _, _ in await recorded(scene.database, scene.tenant)]
    verbs = ("schedule.created", "schedule.updated", "schedule.deleted")
    assert [names.count(verb) for verb in verbs] == [51, 51, 51]


async def all_schedules(scene: Scene) -> list[Schedule]:
    async with scene.database.tenant(scene.tenant.owner, scene.tenant.workspace_id) as work:
        found = await read.get_many_of_deployments(work, [scene.deployment.id])
    return found.get(scene.deployment.id, [])


async def test_replaced_schedules_keep_what_only_some_of_them_change(scene: Scene) -> None:
    kept = replace(HOURLY, slug="kept", parameters={"size": 1.5, "day": None})
    caught = replace(HOURLY, slug="caught", parameters=None)
    await scene.change(DeploymentChanges(schedules=[kept, caught, replace(HOURLY, slug="gone")]))
    before = {one.slug: one for one in await all_schedules(scene)}

    other = replace(caught, catch_up=CatchUp(CatchUpPolicy.ALL))
    moved = replace(kept, parameters={"size": 2})
    await scene.change(
        DeploymentChanges(schedules=[other, moved, replace(HOURLY, slug="new", is_active=False)])
    )

    after = {one.slug: one for one in await all_schedules(scene)}
    assert sorted(after) == ["caught", "kept", "new"]
    assert after["caught"] == replace(before["caught"], catch_up=other.catch_up, version=2)
    assert after["kept"] == replace(before["kept"], parameters={"size": 2}, version=2, generation=2)
    assert (after["new"].is_active, after["new"].next_fire_at) == (False, None)
