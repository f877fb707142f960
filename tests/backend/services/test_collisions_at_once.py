"""Collision policies where runs are made at the same time, and where a planned one starts now."""

import asyncio
from collections.abc import Sequence

import pytest

from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.states import StateType, propose
from headgate_server.services.flow_runs import change, create
from tests.backend.services.test_collisions import judge_due, limit, make, names, start_all
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

CREATORS = 16
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
