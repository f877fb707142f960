"""What counts as a run: attempts that start one again, and not what a schedule took back."""

import asyncio
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.quotas import QuotaExceeded, QuotaKind, Usage, day_of
from headgate_server.domain.states import StateType, propose
from headgate_server.repositories.flow_runs.create import FEW_UNSUMMED, MOST_MERGED
from headgate_server.repositories.flow_runs.transition import lock_run
from headgate_server.services import quotas
from headgate_server.services.flow_runs import bulk, change, create
from headgate_server.services.flow_runs.change import Correction
from headgate_server.services.flow_runs.create import RunRequest
from headgate_server.services.transitions import Transition
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.quotas import usage_deltas
from tests.backend.services.test_quotas import limit, make, used
from tests.factories.schedules import EVERY_5, set_scene
from tests.fixtures.deadlines import eventually
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def usage(world: World) -> Usage:
    async with world.work() as work:
        (day,) = await quotas.list_days(work, organization_id=world.tenant.organization_id, days=1)
    return day.usage


async def test_every_attempt_that_starts_code_again_is_counted(world: World) -> None:
    lease = await world.started()
    once = await usage(world)

    await world.propose(lease, StateType.FAILED, retry={"limit": 1})
    await world.propose(lease, StateType.RUNNING)
    by_policy = await usage(world)
    await world.propose(lease, StateType.COMPLETED)
    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id)
    (offered,) = await world.offer()
    await world.propose(await world.claim(offered), StateType.RUNNING)
    by_person = await usage(world)

    assert (once.runs, once.restarts) == (1, 0)
    assert (by_policy.runs, by_policy.restarts) == (1, 1)
    assert (by_person.runs, by_person.restarts) == (1, 2)
    assert await used(world) == 3


async def test_used_up_quota_lets_no_person_start_a_run_again_and_its_policy_may(
    world: World,
) -> None:
    lease = await world.started()
    await limit(world, runs_per_day=1)

    await world.propose(lease, StateType.FAILED, retry={"limit": 1})
    await world.propose(lease, StateType.RUNNING)
    await world.propose(lease, StateType.COMPLETED)
    with pytest.raises(QuotaExceeded) as refused:
        async with world.work() as work:
            await change.retry_run(work, run_id=lease.run_id)

    assert (refused.value.kind, refused.value.current) == (QuotaKind.RUNS_PER_DAY, 2)
    assert (await world.history(lease.run_id))[-1][1] == "Completed"


async def test_batch_is_retried_as_far_as_there_is_room_and_each_of_the_others_is_told(
    world: World,
) -> None:
    ended = [await world.started() for _ in range(3)]
    for lease in ended:
        await world.propose(lease, StateType.FAILED)
    first, second, third = sorted(lease.run_id for lease in ended)
    running = await world.started()
    missing = new_id()
    await limit(world, runs_per_day=5)

    async with world.work() as work:
        done = await bulk.retry_runs(work, [third, missing, running.run_id, second, first])

    refused, gone, still_running, *others = done
    assert isinstance(refused, QuotaExceeded)
    assert (refused.kind, refused.limit, refused.current) == (QuotaKind.RUNS_PER_DAY, 5, 5)
    assert isinstance(gone, QuotaExceeded)
    assert isinstance(still_running, QuotaExceeded)
    assert isinstance(others[0], QuotaExceeded)
    assert isinstance(others[1], Transition)
    names = [(await world.history(id_))[-1][1] for id_ in (first, second, third)]
    assert names == ["Scheduled", "Failed", "Failed"]


async def test_retries_count_as_they_are_asked_for_and_not_once_more_as_they_start(
    world: World,
) -> None:
    ended = [await world.started() for _ in range(2)]
    for lease in ended:
        await world.propose(lease, StateType.FAILED)
    await limit(world, runs_per_day=3)

    async def retry(lease: LeaseRef) -> bool:
        async with world.work() as work:
            (done,) = await bulk.retry_runs(work, [lease.run_id])
        return isinstance(done, Transition) and done.is_accepted

    asked = [await retry(lease) for lease in ended]
    counted = await used(world)
    (offered,) = await world.offer()
    again = await world.claim(offered)
    await world.propose(again, StateType.RUNNING)
    begun = await used(world)
    await limit(world, runs_per_day=None)
    await world.propose(again, StateType.FAILED, retry={"limit": 1})
    await world.propose(again, StateType.RUNNING)

    assert asked == [True, False]
    assert (counted, begun, await used(world)) == (3, 3, 4)


async def test_batch_sees_what_others_start_while_it_goes_on(world: World) -> None:
    ended = [await world.started() for _ in range(2)]
    for lease in ended:
        await world.propose(lease, StateType.FAILED)
    first, second = sorted(lease.run_id for lease in ended)
    await limit(world, runs_per_day=4)

    async with world.work() as work:
        async with world.work() as other:
            await lock_run(other, first)
            batch = asyncio.create_task(bulk.retry_runs(work, [first, second]))
            await eventually(partial(is_waited_for, other), what="The batch")
            request = RunRequest(deployment_id=world.deployed.deployment_id)
            await create.create_runs(other, [request])
        started, refused = await batch

    assert isinstance(started, Transition)
    assert isinstance(refused, QuotaExceeded)


async def is_waited_for(work: UnitOfWork) -> bool:
    """Whether another transaction waits for what one has locked."""
    found = await work.execute(
        text(
            "select exists (select from pg_stat_activity "
            "where pg_backend_pid() = any(pg_blocking_pids(pid)))"
        )
    )
    return bool(found.scalar_one())


async def test_runs_that_cannot_be_retried_use_no_quota_of_a_batch(world: World) -> None:
    running, ended = await world.started(), await world.started()
    await world.propose(ended, StateType.FAILED)
    await limit(world, runs_per_day=3)

    async with world.work() as work:
        done = await bulk.retry_runs(work, [running.run_id, ended.run_id])

    assert [isinstance(one, Transition) and one.state is not None for one in done] == [False, True]


async def test_run_that_a_person_forces_back_is_refused_where_the_quota_is_used_up(
    world: World,
) -> None:
    lease = await world.started()
    (waiting,) = await world.create()
    await limit(world, runs_per_day=2)

    async def force_back(run_id: UUID) -> None:
        async with world.work() as work:
            await change.set_state(
                work,
                run_id=run_id,
                state=propose(StateType.SCHEDULED),
                lease=None,
                key=None,
                correction=Correction(is_forced=True),
            )

    with pytest.raises(QuotaExceeded) as refused:
        await force_back(lease.run_id)
    names = [(await world.history(lease.run_id))[-1][1]]
    await force_back(waiting.id)
    await limit(world, runs_per_day=3)
    await force_back(lease.run_id)
    names.append((await world.history(lease.run_id))[-1][1])

    assert (refused.value.kind, refused.value.current) == (QuotaKind.RUNS_PER_DAY, 2)
    assert names == ["Running", "Scheduled"]


async def test_run_that_its_schedule_takes_back_was_not_used(urls: DatabaseUrls) -> None:
    async with set_scene(urls) as scene:
        await scene.put(EVERY_5)
        await scene.tick()

        async def count() -> tuple[int, int]:
            async with scene.database.system() as work:
                rows = await work.execute(select(func.count()).select_from(flow_runs))
                days = await quotas.list_days(
                    work, organization_id=scene.tenant.organization_id, days=1
                )
            return rows.scalar_one(), sum(day.usage.runs for day in days)

        before = await count()
        await scene.pause()
        after = await count()

    assert before[0] == before[1] > 0
    assert after == (0, 0)


async def fill(world: World, count: int) -> None:
    """Have used something ``count`` times, none of it summed up."""
    async with world.system() as work:
        await work.execute(
            insert(usage_deltas),
            [
                {
                    "organization_id": world.tenant.organization_id,
                    "id": new_id(),
                    "day": day_of(work.now),
                    "runs": 1,
                    "log_bytes": 3,
                }
                for _ in range(count)
            ],
        )


async def rows_of(world: World) -> int:
    async with world.system() as work:
        counted = await work.execute(select(func.count()).select_from(usage_deltas))
        return counted.scalar_one()


async def test_creation_merges_what_no_loop_has_summed_up(world: World) -> None:
    await limit(world, runs_per_day=10_000)
    count = FEW_UNSUMMED + MOST_MERGED
    await fill(world, count)
    before = await usage(world)

    await make(world, 1)
    merged = await rows_of(world)
    await make(world, 1)
    after = await usage(world)

    assert merged == FEW_UNSUMMED + 2
    assert await rows_of(world) == 2
    assert (after.runs, after.log_bytes) == (before.runs + 2, before.log_bytes)


async def test_merging_rolled_back_changes_nothing(world: World) -> None:
    await limit(world, runs_per_day=10_000)
    await fill(world, FEW_UNSUMMED + 1)

    async with world.work() as work:
        request = RunRequest(deployment_id=world.deployed.deployment_id)
        await create.create_runs(work, [request])
        await work.connection.rollback()

    assert await rows_of(world) == FEW_UNSUMMED + 1
