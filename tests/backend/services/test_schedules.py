"""Schedules on a real database at a set time: runs made ahead, once, and what an edit does."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.errors import InvalidInput, LimitExceeded, NotFound, VersionConflict
from headgate_server.domain.ids import new_id
from headgate_server.domain.schedules import (
    CatchUp,
    CatchUpPolicy,
    CronSpec,
    IntervalSpec,
    Schedule,
    ScheduleRequest,
)
from headgate_server.services import deployments, schedules, work_pools
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs.create import RunRequest, create_run
from headgate_server.tables.flow_runs import flow_runs, states
from headgate_server.tables.flows import schedule_fires
from headgate_server.tables.work_pools import work_items
from tests.factories.databases import Hands, held
from tests.factories.events import recorded
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.deadlines import eventually

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HORIZON = timedelta(minutes=15)
EVERY_5 = ScheduleRequest(slug="five", spec=IntervalSpec(5 * MINUTE, NOON))
HOURLY = ScheduleRequest(slug="hourly", spec=CronSpec("0 * * * *"))


@dataclass
class Scene:
    """A database whose time the test sets, with one tenant and one deployment."""

    database: Database
    hands: Hands
    tenant: Tenant
    deployment: Deployment

    async def put(
        self, wanted: ScheduleRequest, *, expected_version: int | None = None
    ) -> Schedule:
        async with self.database.tenant(self.tenant.owner, self.tenant.workspace_id) as work:
            made, _ = await schedules.upsert_schedule(
                work,
                deployment_id=self.deployment.id,
                wanted=wanted,
                expected_version=expected_version,
            )
        return made

    async def change(self, changes: DeploymentChanges) -> None:
        async with self.database.tenant(self.tenant.owner, self.tenant.workspace_id) as work:
            await deployments.upsert_deployment(
                work, flow_name="etl", name="prod", lease=timedelta(seconds=90), changes=changes
            )

    async def pause(self, *, is_paused: bool = True) -> None:
        async with self.database.tenant(self.tenant.owner, self.tenant.workspace_id) as work:
            await deployments.set_paused(work, id_=self.deployment.id, is_paused=is_paused)

    async def tick(self, *, minutes: float = 0, limit: int = 50) -> int:
        assert self.hands.at is not None
        self.hands.at += minutes * MINUTE
        async with self.database.system() as work:
            return await schedules.materialise(work, horizon=HORIZON, limit=limit)

    async def starts(self) -> list[str]:
        async with self.database.system() as work:
            rows = await work.execute(
                select(flow_runs.c.expected_start).order_by(flow_runs.c.expected_start)
            )
            return [f"{at:%H:%M}" for at in rows.scalars()]

    async def ledger(self) -> list[tuple[str, str]]:
        async with self.database.system() as work:
            rows = await work.execute(
                select(schedule_fires.c.fire_at, schedule_fires.c.outcome).order_by(
                    schedule_fires.c.fire_at
                )
            )
            return [(f"{row.fire_at:%H:%M}", row.outcome) for row in rows]

    async def schedule(self, id_: UUID) -> Schedule:
        async with self.database.tenant(self.tenant.owner, self.tenant.workspace_id) as work:
            found = await schedules.find_schedule(work, id_=id_)
        assert found is not None
        return found

    async def take_up(self, start: datetime) -> None:
        """Offer the run of an instant, as a dispatcher would."""
        async with self.database.system() as work:
            await work.execute(
                update(work_items)
                .where(work_items.c.due_at == start)
                .values(phase="OFFERED", token=new_id(), epoch=1, fence_until=work.now + HOUR)
            )


async def make_deployment(database: Database, tenant: Tenant, *, pool: str = "p") -> Deployment:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await work_pools.upsert_work_pool(work, name=pool, type_="process")
        made, _ = await deployments.upsert_deployment(
            work,
            flow_name="etl",
            name="prod",
            lease=timedelta(seconds=90),
            changes=DeploymentChanges(work_pool_name=pool, parameters={"size": 3, "kind": "x"}),
        )
    return made


@pytest.fixture
async def scene(urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    hands = Hands(timedelta())
    hands.at = NOON
    async with held(urls, hands) as database:
        tenant = await make_tenant(database)
        yield Scene(database, hands, tenant, await make_deployment(database, tenant))


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
            return await schedules.materialise(work, horizon=HORIZON, limit=2)

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
        await schedules.upsert_schedule(work, deployment_id=deployed.id, wanted=HOURLY)

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
    assert (paused.is_active, paused.next_fire_at, paused.next_at(NOON)) == (True, None, None)
    assert await scene.tick(minutes=60) == 0
    await scene.pause(is_paused=False)
    await scene.tick()
    assert await scene.starts() == ["12:00", "13:05", "13:10", "13:15"]
    resumed = await scene.schedule(made.id)
    assert resumed.missed_count == 0
    assert resumed.next_at(NOON + HOUR) == NOON + HOUR + 5 * MINUTE


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
            await schedules.delete_schedule(work, id_=made.id, expected_version=1)
        await schedules.delete_schedule(work, id_=made.id, expected_version=2)
        with pytest.raises(NotFound):
            await schedules.delete_schedule(work, id_=made.id)

    assert await scene.starts() == ["12:05"]
    assert await scene.ledger() == []
    assert await scene.tick(minutes=60) == 0


async def test_refused_runs_are_counted_and_hold_up_nobody(scene: Scene) -> None:
    refused = await scene.put(EVERY_5)
    other = await make_tenant(scene.database)
    deployed = await make_deployment(scene.database, other)
    async with scene.database.tenant(other.owner, other.workspace_id) as work:
        await schedules.upsert_schedule(work, deployment_id=deployed.id, wanted=EVERY_5)
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


async def test_edit_waits_for_a_scheduler_at_work_and_then_removes_what_it_made(
    scene: Scene,
) -> None:
    await scene.put(EVERY_5)

    async def edit() -> None:
        await scene.put(replace(EVERY_5, is_active=False))

    async with scene.database.system() as work:
        await schedules.materialise(work, horizon=HORIZON, limit=50)
        editing = asyncio.create_task(edit())
        await eventually(lambda: somebody_waits(work), what="the edit that waits for a row")
    await editing

    assert await scene.starts() == []


async def somebody_waits(work: UnitOfWork) -> bool:
    connection = await work.session.connection()
    waiting = await connection.exec_driver_sql("select true from pg_locks where not granted")
    return waiting.first() is not None


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
