"""Collision policies where runs are made at the same time, and where a planned one starts now."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select, update

from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.ids import new_token
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import StateType, propose
from headgate_server.repositories.flow_runs.transition import lock_run
from headgate_server.services.flow_runs import change, create
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.work_pools import work_items
from tests.backend.services.test_collisions import judge_due, limit, make, names, start_all
from tests.backend.services.test_quotas_of_restarts import is_waited_for
from tests.fixtures.deadlines import eventually
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
CREATORS = 16
MANY = 1_000
POLICIES = [CollisionPolicy.CANCEL_NEW, CollisionPolicy.CANCEL_OLD, CollisionPolicy.COALESCE]


async def count_left(world: World, runs: Sequence[FlowRun]) -> int:
    return len([name for name in await names(world, *runs) if name != "Cancelled"])


@pytest.mark.parametrize("policy", POLICIES)
async def test_who_began_first_sees_what_was_made_before_it_had_the_lock(
    world: World, policy: CollisionPolicy
) -> None:
    await limit(world, 1, on_collision=policy)
    request = create.RunRequest(deployment_id=world.deployed.deployment_id)

    async with world.work() as early:
        async with world.work() as late:
            second = await create.create_run(late, request)
        first = await create.create_run(early, request)

    assert await count_left(world, [first, second]) == 1


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("policy", POLICIES)
async def test_policies_hold_where_many_make_runs_at_once(
    world: World, policy: CollisionPolicy, most: int
) -> None:
    await limit(world, most, on_collision=policy)

    made = await asyncio.gather(*(make(world) for _ in range(CREATORS)))

    # Of one key one waits, and does for those that come after it.
    left = 1 if policy is CollisionPolicy.COALESCE else most
    assert await count_left(world, [run for runs in made for run in runs]) == left


@pytest.mark.parametrize("policy", POLICIES)
async def test_planned_run_that_is_started_now_is_judged_now(
    world: World, policy: CollisionPolicy
) -> None:
    await limit(world, 1, on_collision=policy)
    async with world.work() as work:
        ahead = work.now + create.MAX_AHEAD / 2
    (planned,) = await make(world, expected_start=ahead)
    (running,) = await make(world)
    await start_all(world)
    (waiting,) = await make(world)
    state = propose(StateType.SCHEDULED, message="Due now by request.")
    async with world.work() as work:
        await change.set_state(work, run_id=planned.id, state=state, lease=None, key=None)

    assert await judge_due(world) == 1

    named = await names(world, running, waiting, planned)
    match policy:
        case CollisionPolicy.CANCEL_NEW:
            assert named == ["Running", "Cancelled", "Cancelled"]
        case CollisionPolicy.CANCEL_OLD:
            assert named == ["Cancelling", "Cancelled", "AwaitingConcurrencySlot"]
        case _:
            assert named == ["Running", "AwaitingConcurrencySlot", "Cancelled"]


@pytest.mark.parametrize("policy", POLICIES)
async def test_runs_planned_before_the_limit_are_judged_as_their_time_comes(
    world: World, policy: CollisionPolicy
) -> None:
    async with world.work() as work:
        soon = work.now + timedelta(minutes=1)
    planned = await make(world, 3, expected_start=soon)
    for most in (1, None, 1):
        await limit(world, most, on_collision=policy)
    world.shift.by = timedelta(minutes=2)

    assert (await judge_due(world), await judge_due(world)) == (3, 0)

    assert await count_left(world, planned) == 1


async def test_planned_run_is_judged_behind_who_changes_it_just_then(world: World) -> None:
    async with world.work() as work:
        soon = work.now + MINUTE
    (planned,) = await make(world, expected_start=soon)
    await limit(world, 1, on_collision=CollisionPolicy.COALESCE)
    world.shift.by = 2 * MINUTE

    async with asyncio.TaskGroup() as tasks, world.work() as work:
        own = select(flow_runs.c.id).where(flow_runs.c.id == planned.id)
        await work.execute(own.with_for_update())
        judging = tasks.create_task(judge_due(world))
        await eventually(partial(is_waited_for, work), what="Judging")
        locked = await lock_run(work, planned.id)

    assert locked is not None
    assert judging.result() == 1


async def test_runs_that_were_due_before_the_limit_are_not_judged(world: World) -> None:
    (failed,) = await make(world)
    (lease,) = await start_all(world)
    retry = {"limit": 3, "delaySeconds": 60, "givesBack": True}
    await world.propose(lease, StateType.FAILED, retry=retry)
    (waiting,) = await make(world)

    await limit(world, 1, on_collision=CollisionPolicy.CANCEL_NEW)
    world.shift.by = 2 * MINUTE

    assert await judge_due(world) == 0
    assert await names(world, failed, waiting) == ["AwaitingRetry", "Scheduled"]


async def run_many(world: World, count: int) -> list[UUID]:
    """Have so many runs run, as if agents had started them."""
    made = await make(world, count)
    run_ids = [run.id for run in made]
    async with world.system() as work:
        await work.execute(
            update(work_items)
            .where(work_items.c.run_id.in_(run_ids))
            .values(
                phase=Phase.RUNNING,
                token=new_token(),
                epoch=1,
                session_id=world.session_id,
                fence_until=work.now + timedelta(hours=1),
                last_seen_at=work.now,
            )
        )
        await work.execute(
            update(flow_runs)
            .where(flow_runs.c.id.in_(run_ids))
            .values(state_type=StateType.RUNNING, state_name="Running")
        )
    return run_ids


@pytest.mark.parametrize("policy", [CollisionPolicy.CANCEL_OLD, CollisionPolicy.CANCEL_NEW])
async def test_collision_with_many_takes_few_statements(
    world: World, statements: list[str], policy: CollisionPolicy
) -> None:
    is_old = policy is CollisionPolicy.CANCEL_OLD
    taken: list[int] = []
    for count in (3, 60):
        await limit(world, None)
        await run_many(world, count if is_old else 1)
        await limit(world, 1, on_collision=policy)
        statements.clear()

        made = await make(world, 1 if is_old else count)

        taken.append(len(statements))
        if not is_old:
            assert await names(world, *made) == ["Cancelled"] * count

    assert taken[1] <= taken[0] + 2, taken


async def test_thousand_running_are_cancelled_for_a_newer_one_in_slices(
    world: World, statements: list[str]
) -> None:
    old = await run_many(world, MANY)
    await limit(world, 1, on_collision=CollisionPolicy.CANCEL_OLD)
    statements.clear()

    await make(world)

    few = list(statements)
    assert await names(world, *old) == ["Cancelling"] * MANY
    assert len([one for one in few if "with change as" in one]) <= MANY // 200 + 2
    assert len(few) <= 40, len(few)
