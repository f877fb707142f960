"""The order of locks: runs come before items, and a deployment before what refers to it.

With an item in hand nobody waits for a run. Who changes a deployment and who makes runs of it wait
for each other in one order, and whoever comes second sees what the first one did.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.leases import LeaseOutcome, LeaseRef
from headgate_server.domain.states import StateType
from headgate_server.services import deployments, work_queues
from headgate_server.services.flow_runs import change, read
from headgate_server.services.leases import hold, reap
from headgate_server.tables import work_pools as pools
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.work_pools import work_items
from tests.backend.services.test_collisions import judge_due, limit, make, start_all
from tests.factories.databases import somebody_waits
from tests.fixtures.deadlines import eventually
from tests.fixtures.world import LEASE, World

pytestmark = pytest.mark.anyio

SILENT_FOR = timedelta(seconds=45)
DEADLINE_SECONDS = 5


@asynccontextmanager
async def held(world: World, lease: LeaseRef) -> AsyncGenerator[None]:
    """Hold a run, as one who changes it does before the item is locked."""
    async with world.work() as work:
        await work.execute(
            select(flow_runs.c.id).where(flow_runs.c.id == lease.run_id).with_for_update()
        )
        yield


async def mark(world: World) -> int:
    async with asyncio.timeout(DEADLINE_SECONDS), world.system() as work:
        return await reap.mark_unresponsive(work, silent_for=SILENT_FOR)


async def renew(world: World, *leases: LeaseRef) -> list[LeaseOutcome]:
    async with asyncio.timeout(DEADLINE_SECONDS), world.work() as work:
        return [one.outcome for one in await hold.renew_leases(work, held=leases, lease=LEASE)]


async def silent_since(world: World, *leases: LeaseRef) -> list[datetime | None]:
    async with world.work() as work:
        runs = await read.get_many_flow_runs(work, [lease.run_id for lease in leases])
    return [runs[lease.run_id].unresponsive_since for lease in leases]


async def test_who_marks_or_renews_never_waits_for_a_run_that_somebody_changes(
    world: World,
) -> None:
    busy, free = await world.started(), await world.started()
    world.shift.by = timedelta(seconds=50)

    async with held(world, busy):
        assert await mark(world) == 1
    assert await mark(world) == 1
    assert None not in await silent_since(world, busy, free)

    world.shift.by += timedelta(seconds=30)
    async with held(world, busy):
        assert await renew(world, busy, free) == [LeaseOutcome.RENEWED] * 2
        since, back = await silent_since(world, busy, free)
        assert since is not None
        assert back is None

    assert await renew(world, busy, free) == [LeaseOutcome.RENEWED] * 2
    assert await silent_since(world, busy, free) == [None, None]
    assert await mark(world) == 0


CREATORS = 16


async def test_who_changes_a_limit_makes_runs_or_hands_them_out_never_wait_for_each_other(
    world: World,
) -> None:
    await limit(world, 1)
    async with world.system() as work:
        for table in (pools.work_pools, pools.work_queues):
            await work.execute(update(table).values(concurrency_limit=50))

    for most in (2, None, 3, 1):
        makers = (make(world) for _ in range(CREATORS))
        servers = (world.offer() for _ in range(CREATORS))
        await asyncio.gather(*makers, *servers, limit(world, most), judge_due(world))


Start = Callable[[World], Awaitable[Callable[[], Awaitable[object]]]]


async def to_be_made(world: World) -> Callable[[], Awaitable[object]]:
    return world.create


async def to_be_made_again(world: World) -> Callable[[], Awaitable[object]]:
    lease = await world.started()
    await world.propose(lease, StateType.FAILED)

    async def retry() -> None:
        async with world.work() as work:
            await change.retry_run(work, run_id=lease.run_id)

    return retry


async def to_go_back(world: World) -> Callable[[], Awaitable[object]]:
    await world.create()
    (offered,) = await world.offer()
    lease = LeaseRef(offered.run_id, offered.token, offered.epoch)

    async def decline() -> None:
        async with world.work() as work:
            await hold.decline_run(
                work,
                session_id=world.session_id,
                lease=lease,
                reason="of a test",
                retry_after=timedelta(),
            )

    return decline


async def set_paused(world: World, *, is_paused: bool) -> None:
    async with world.work() as work:
        id_ = world.deployed.deployment_id
        await deployments.set_paused(work, id_=id_, is_paused=is_paused)


@pytest.mark.parametrize("start", [to_be_made, to_be_made_again, to_go_back])
@pytest.mark.parametrize("is_paused", [True, False])
async def test_run_that_begins_to_wait_as_its_deployment_is_paused_or_resumed_follows_it(
    world: World, start: Start, *, is_paused: bool
) -> None:
    begin = await start(world)
    await set_paused(world, is_paused=not is_paused)

    async with world.work() as work:
        id_ = world.deployed.deployment_id
        await deployments.set_paused(work, id_=id_, is_paused=is_paused)
        beginning = asyncio.ensure_future(begin())
        await eventually(lambda: _has_stopped(beginning, work), what="the one that begins to wait")
    await beginning
    world.shift.by += timedelta(minutes=1)

    assert len(await world.offer()) == (0 if is_paused else 1)


async def _has_stopped(one: "asyncio.Future[Any]", work: UnitOfWork) -> bool:
    return one.done() or await somebody_waits(work)


async def test_run_made_as_its_deployment_gets_a_limit_counts_to_it_and_is_judged(
    world: World,
) -> None:
    await limit(world, None)
    await make(world)
    await start_all(world)

    async with world.work() as work:
        found = await deployments.get_deployment(work, id_=world.deployed.deployment_id)
        await deployments.apply_changes(work, found, {}, columns={"concurrency_limit": 1})
        making = asyncio.ensure_future(make(world))
        await eventually(lambda: _has_stopped(making, work), what="the one that makes a run")
    (made,) = await making

    async with world.work() as work:
        marks = select(work_items.c.is_limited).where(work_items.c.run_id == made.id)
        assert (await work.execute(marks)).scalar_one() is True
    assert await judge_due(world) == 1
    assert await world.offer() == []


@pytest.mark.parametrize("start", [to_be_made, to_be_made_again, to_go_back])
async def test_run_that_begins_to_wait_as_its_queue_gets_another_priority_has_that(
    world: World, start: Start
) -> None:
    begin = await start(world)

    async with world.work() as work:
        await work_queues.upsert_work_queue(
            work,
            work_pool_id=world.deployed.work_pool_id,
            name="default",
            changes=work_queues.WorkQueueChanges(priority=7),
        )
        beginning = asyncio.ensure_future(begin())
        await eventually(lambda: _has_stopped(beginning, work), what="the one that begins to wait")
    await beginning

    async with world.system() as work:
        waiting = select(work_items.c.phase, work_items.c.queue_priority)
        assert [tuple(row) for row in await work.execute(waiting)] == [("READY", 7)]
