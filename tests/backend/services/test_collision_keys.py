"""Keys of coalescing deployments stay with runs that are started again, or resumed."""

from datetime import timedelta
from typing import Any

import pytest

from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pauses import Answer, NewPause, PauseKind
from headgate_server.domain.reruns import WHOLE_RUN, RerunRequest
from headgate_server.domain.states import StateType
from headgate_server.services import pauses
from headgate_server.services.flow_runs import change
from tests.backend.services.test_backfill_outcomes import advance, make_backfill
from tests.backend.services.test_collisions import judge_due, limit, make, names, start_all
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

WAITS, COALESCED = ["AwaitingConcurrencySlot"], ["Cancelled"]


async def run_one(world: World, **asked: Any) -> LeaseRef:
    """Have an agent start a run."""
    await make(world, **asked)
    (lease,) = await start_all(world)
    return lease


async def retry(world: World, lease: LeaseRef, request: RerunRequest = WHOLE_RUN) -> None:
    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id, request=request)


async def become(world: World, **asked: Any) -> list[str]:
    """Return what becomes of one more run."""
    (run,) = await make(world, **asked)
    return await names(world, run)


async def test_run_that_is_started_again_waits_under_its_key(world: World) -> None:
    await limit(world, 1, on_collision=CollisionPolicy.COALESCE)
    lease = await run_one(world, collision_key="a")
    await world.propose(lease, StateType.FAILED)
    await run_one(world, collision_key="b")
    await retry(world, lease)

    assert await become(world, collision_key="a") == COALESCED
    assert await become(world) == WAITS


async def test_planned_run_waits_under_the_key_of_a_deployment_that_coalesces_by_then(
    world: World,
) -> None:
    async with world.work() as work:
        soon = work.now + timedelta(minutes=1)
    planned = [
        (await make(world, expected_start=soon, parameters={"customer": customer}))[0]
        for customer in ("acme", "acme", "emca")
    ]
    await limit(world, 1, on_collision=CollisionPolicy.COALESCE, collision_parameter="customer")
    world.shift.by = timedelta(minutes=2)

    assert await judge_due(world) == 3

    named = sorted(zip(await names(world, *planned), ("acme", "acme", "emca"), strict=True))
    assert [customer for name, customer in named if name == "Cancelled"] == ["acme"]
    assert await become(world, parameters={"customer": "emca"}) == COALESCED
    assert await become(world, parameters={"customer": "other"}) == WAITS


async def test_planned_runs_of_the_same_value_wait_under_the_same_key_whatever_it_is(
    world: World,
) -> None:
    async with world.work() as work:
        soon = work.now + timedelta(minutes=1)
    given: list[Any] = [{"a": [1, None]}, None, 7]
    for value in given:
        await make(world, expected_start=soon, parameters={"customer": value, "other": 1})
    await limit(world, 1, on_collision=CollisionPolicy.COALESCE, collision_parameter="customer")
    world.shift.by = timedelta(minutes=2)

    assert await judge_due(world) == 3

    become_of = [await become(world, parameters={"customer": value}) for value in given[1:]]
    assert become_of == [COALESCED] * 2
    assert await become(world) == COALESCED
    assert await become(world, parameters={"customer": 8}) == WAITS


async def test_run_that_is_resumed_waits_under_its_key(world: World) -> None:
    await limit(world, 1, on_collision=CollisionPolicy.COALESCE)
    lease = await run_one(world, collision_key="a")
    new = NewPause("1", kind=PauseKind.SUSPEND)
    async with world.work() as work:
        await pauses.pause_run(work, lease=lease, new=new)
    await run_one(world, collision_key="b")
    async with world.work() as work:
        checked = await pauses.check_answer(work, run_id=lease.run_id, answer=Answer())
        await pauses.resume_run(work, run_id=lease.run_id, checked=checked)

    assert await become(world, collision_key="a") == COALESCED
    assert await become(world) == WAITS


@pytest.mark.parametrize(("key", "expected"), [(None, "new"), ("own", "own")])
async def test_other_parameters_change_a_key_that_comes_from_them(
    world: World, key: str | None, expected: str
) -> None:
    await limit(world, 1, on_collision=CollisionPolicy.COALESCE, collision_parameter="customer")
    lease = await run_one(world, parameters={"customer": "old"}, collision_key=key)
    await world.propose(lease, StateType.FAILED)
    await run_one(world, parameters={"customer": "other"})
    await retry(world, lease, RerunRequest(parameters={"customer": "new"}))

    found = {
        "old": await become(world, parameters={"customer": "old"}),
        "new": await become(world, parameters={"customer": "new"}),
        "own": await become(world, collision_key="own"),
    }
    assert found == {name: COALESCED if name == expected else WAITS for name in found}


async def test_run_of_a_backfill_that_is_started_again_stands_for_no_other(world: World) -> None:
    await limit(world, 1, on_collision=CollisionPolicy.COALESCE)
    made = await make_backfill(world, parallelism=1)
    await advance(world, made)
    (lease,) = await start_all(world)
    await world.propose(lease, StateType.FAILED)
    await run_one(world)
    await retry(world, lease)

    assert await become(world) == WAITS
    assert await become(world) == COALESCED
