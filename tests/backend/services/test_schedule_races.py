"""Edits, pauses and deletions while schedulers, dispatchers and detectors are at work."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from headgate_server.bus import channels
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import LeaseLost
from headgate_server.domain.flow_runs import LateCause
from headgate_server.domain.ids import new_id
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.schedules.specs import IntervalSpec
from headgate_server.repositories.due import LateRun
from headgate_server.services import closing, deletions, deployments, upkeep
from headgate_server.services.leases import hold, offer
from headgate_server.services.schedules import fire, upsert
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import schedule_fires
from headgate_server.tables.work_pools import work_items
from tests.factories.databases import somebody_waits
from tests.factories.deployments import Deployed, make_session
from tests.factories.events import recorded
from tests.factories.schedules import EVERY_5, HORIZON, MINUTE, NOON, Scene, set_scene
from tests.fixtures.deadlines import eventually


@pytest.fixture
async def scene(urls: DatabaseUrls) -> AsyncGenerator[Scene]:
    async with set_scene(urls) as scene:
        yield scene


async def run_at(scene: Scene, start: datetime) -> UUID:
    async with scene.database.system() as work:
        statement = select(flow_runs.c.id).where(flow_runs.c.expected_start == start)
        return (await work.execute(statement)).scalar_one()


async def test_run_that_is_just_marked_late_does_not_outlive_its_schedule(scene: Scene) -> None:
    await scene.put(EVERY_5)
    await scene.tick()
    late = LateRun(
        scene.tenant.workspace_id, await run_at(scene, NOON + 5 * MINUTE), LateCause.NO_AGENT
    )

    async with scene.database.system(workspace_id=scene.tenant.workspace_id) as work:
        await upkeep.mark_late(work, [late])
        editing = asyncio.create_task(scene.put(replace(EVERY_5, is_active=False)))
        async with scene.database.system() as other:
            await eventually(lambda: somebody_waits(other), what="the edit that waits for a run")
    await editing

    assert await scene.starts() == []
    assert await scene.ledger() == []


async def offered(scene: Scene) -> tuple[UUID, LeaseRef]:
    """Offer the first run as its time comes, and return to which session under which lease."""
    await scene.put(EVERY_5)
    await scene.tick(minutes=5)
    to = scene.deployment
    assert to.work_pool_id is not None
    assert to.work_queue_id is not None
    async with scene.work() as work:
        place = Deployed(to.flow_id, to.id, to.work_pool_id, to.work_queue_id)
        session_id = await make_session(work, place)
    async with scene.database.system(workspace_id=scene.tenant.workspace_id) as work:
        (one,) = await offer.offer_runs(
            work,
            work_pool_id=to.work_pool_id,
            groups={None: [session_id]},
            most=10,
            offer_ttl=MINUTE,
        )
    return session_id, LeaseRef(one.run_id, one.token, one.epoch)


async def claim(work: UnitOfWork, session_id: UUID, lease: LeaseRef) -> None:
    await hold.claim_run(work, session_id=session_id, lease=lease, duration=MINUTE)


async def claim_alone(scene: Scene, session_id: UUID, lease: LeaseRef) -> None:
    async with scene.work() as work:
        await claim(work, session_id, lease)


async def edit_schedule(work: UnitOfWork, scene: Scene) -> None:
    wanted = replace(EVERY_5, parameters={"size": 8})
    await upsert.upsert_schedule(work, deployment_id=scene.deployment.id, wanted=wanted)


async def pause_schedule(work: UnitOfWork, scene: Scene) -> None:
    wanted = replace(EVERY_5, is_active=False)
    await upsert.upsert_schedule(work, deployment_id=scene.deployment.id, wanted=wanted)


async def pause_deployment(work: UnitOfWork, scene: Scene) -> None:
    await deployments.set_paused(work, id_=scene.deployment.id, is_paused=True)


async def archive(work: UnitOfWork, scene: Scene) -> None:
    id_ = scene.tenant.workspace_id
    await closing.archive_workspace(work, id_=id_, is_archived=True)


async def delete_deployment(work: UnitOfWork, scene: Scene) -> None:
    await deletions.delete_deployment(work, id_=scene.deployment.id)


Change = Callable[[UnitOfWork, Scene], Awaitable[None]]
CHANGES = [edit_schedule, pause_schedule, pause_deployment, archive, delete_deployment]


@pytest.mark.parametrize("change", CHANGES)
async def test_run_that_is_only_offered_goes_and_who_claims_it_is_told(
    scene: Scene, change: Change
) -> None:
    session_id, lease = await offered(scene)

    async with scene.work() as work:
        await change(work, scene)
        claiming = asyncio.create_task(claim_alone(scene, session_id, lease))
        async with scene.database.system() as other:
            await eventually(lambda: somebody_waits(other), what="the claim that waits")
    with pytest.raises(LeaseLost):
        await claiming

    assert await scene.starts() == []
    assert await scene.ledger() == []
    assert scene.deployment.work_pool_id is not None
    assert channels.pool(scene.deployment.work_pool_id) in work.wakes


@pytest.mark.parametrize("change", CHANGES[:-1])
async def test_run_that_is_claimed_first_stays_and_is_not_made_again(
    scene: Scene, change: Change
) -> None:
    session_id, lease = await offered(scene)

    async with scene.work() as work:
        await claim(work, session_id, lease)
        changing = asyncio.create_task(change_alone(scene, change))
        async with scene.database.system() as other:
            await eventually(lambda: somebody_waits(other), what="the change that waits")
    await changing
    await scene.tick()

    async with scene.database.system() as work:
        first = (await work.execute(select(flow_runs).order_by("expected_start"))).all()[0]
    assert (first.id, first.state_type) == (lease.run_id, "PENDING")
    assert (first.parameters["size"], first.triggered_by["generation"]) == (3, 1)
    assert (await scene.ledger())[0] == ("12:05", "CREATED")
    assert len(set(await scene.starts())) == len(await scene.starts())


async def change_alone(scene: Scene, change: Change) -> None:
    async with scene.work() as work:
        await change(work, scene)


async def test_run_that_is_just_offered_goes_with_its_schedule(scene: Scene) -> None:
    await scene.put(EVERY_5)
    await scene.tick()

    async with scene.database.system() as work:
        await work.execute(
            update(work_items)
            .where(work_items.c.due_at == NOON + 5 * MINUTE)
            .values(phase="OFFERED", token=new_id(), epoch=1, fence_until=work.now + MINUTE)
        )
        editing = asyncio.create_task(scene.put(replace(EVERY_5, parameters={"size": 8})))
        async with scene.database.system() as other:
            await eventually(lambda: somebody_waits(other), what="the edit that waits for a run")
    await editing
    await scene.tick()

    async with scene.database.system() as work:
        rows = (await work.execute(select(flow_runs).order_by("expected_start"))).all()
    assert [row.parameters["size"] for row in rows] == [8, 8, 8]
    assert [row.triggered_by["generation"] for row in rows] == [2, 2, 2]


async def materialise(scene: Scene, chance: random.Random, until: asyncio.Event) -> None:
    while not until.is_set():
        async with scene.database.system() as work:
            await fire.materialise(work, horizon=HORIZON, limit=chance.randint(1, 3))


async def offer_some(scene: Scene, chance: random.Random, until: asyncio.Event) -> None:
    """Offer what is ready, as a dispatcher does, and let some of it go again."""
    while not until.is_set():
        async with scene.database.system() as work:
            item = work_items.c
            some = select(item.run_id).where(item.phase == "READY").limit(1)
            chosen = list((await work.execute(some.with_for_update(skip_locked=True))).scalars())
            if chance.random() < 0.2:
                await work.execute(
                    update(work_items)
                    .where(item.run_id.in_(chosen))
                    .values(phase="OFFERED", token=new_id(), epoch=1, fence_until=work.now + MINUTE)
                )
        await asyncio.sleep(0)


async def edit(scene: Scene, slug: str, chance: random.Random) -> None:
    """Change, pause, delete and make one schedule again, and leave it as a new generation."""
    for step in range(12):
        spec = IntervalSpec(chance.choice([2, 3, 5, 7]) * MINUTE, NOON)
        wanted = replace(EVERY_5, slug=slug, spec=spec, parameters={"size": 100 + step})
        kind = chance.random()
        made = await scene.put(replace(wanted, is_active=kind > 0.3))
        if kind < 0.15:
            owner = scene.tenant.owner
            async with scene.database.tenant(owner, scene.tenant.workspace_id) as work:
                await upsert.delete_schedule(work, id_=made.id)
    spec = IntervalSpec(4 * MINUTE, NOON)
    await scene.put(replace(EVERY_5, slug=slug, spec=spec, parameters={"size": 999}))


async def test_no_run_of_an_old_generation_is_left_after_a_storm_of_edits(scene: Scene) -> None:
    slugs = ["a", "b", "c"]
    over = asyncio.Event()
    chance = random.Random(20261123)  # noqa: S311  no secret

    async with asyncio.TaskGroup() as workers:
        for _ in range(2):
            workers.create_task(materialise(scene, chance, over))
        workers.create_task(offer_some(scene, chance, over))
        async with asyncio.TaskGroup() as editors:
            for slug in slugs:
                editors.create_task(edit(scene, slug, chance))
        over.set()
    while await scene.tick():
        pass

    async with scene.database.system() as work:
        joined = flow_runs.join(work_items, work_items.c.run_id == flow_runs.c.id)
        waiting = (
            await work.execute(
                select(flow_runs.c.parameters, flow_runs.c.expected_start).select_from(joined)
            )
        ).all()
        ledger = set((await work.execute(select(schedule_fires.c.run_id))).scalars())
        doubles = (
            await work.execute(
                select(flow_runs.c.schedule_id, flow_runs.c.expected_start)
                .group_by(flow_runs.c.schedule_id, flow_runs.c.expected_start)
                .having(func.count() > 1)
            )
        ).all()
        made = set((await work.execute(select(flow_runs.c.id))).scalars())
    assert {row.parameters["size"] for row in waiting} == {999}
    assert {(row.expected_start - NOON) % (4 * MINUTE) for row in waiting} == {timedelta()}
    assert doubles == []
    assert ledger <= made
    deleted = [
        resource
        for name, resource, _ in await recorded(scene.database, scene.tenant)
        if name == "flow_run.deleted"
    ]
    assert len(deleted) == len(set(deleted)) > 0
