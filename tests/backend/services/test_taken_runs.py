"""Runs that a person takes from their process by hand: what the process was at ends with it."""

import pytest

from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType, propose
from headgate_server.services.flow_runs import change, read
from tests.backend.services.test_cancels import child, states_of
from tests.backend.services.test_left_task_runs import COMPLETED, RUNNING, report, shown
from tests.backend.services.test_reuse import FORCED
from tests.factories.subflows import end_below, subflow
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

BY_HAND = [StateType.SCHEDULED, StateType.COMPLETED, StateType.FAILED]


async def take(world: World, lease: LeaseRef, type_: StateType) -> None:
    async with world.work() as work:
        done = await change.set_state(
            work,
            run_id=lease.run_id,
            state=propose(type_),
            lease=None,
            key=None,
            correction=FORCED,
        )
    assert done.is_accepted


@pytest.mark.parametrize("type_", BY_HAND)
async def test_task_runs_of_a_run_that_is_taken_are_cancelled(
    world: World, type_: StateType
) -> None:
    lease = await world.started()
    made = await report(world, lease, [RUNNING], [RUNNING, COMPLETED])

    await take(world, lease, type_)

    assert await shown(world, made) == [("Cancelled", 2, True), ("Completed", 2, True)]


@pytest.mark.parametrize("type_", BY_HAND)
async def test_what_ran_in_the_process_of_a_run_that_is_taken_is_cancelled(
    world: World, type_: StateType
) -> None:
    lease = await world.started()
    inner = await subflow(world, lease)
    elsewhere = await child(world, lease)

    await take(world, lease, type_)
    await end_below(world)

    assert await states_of(world, inner, elsewhere) == ["Cancelled", "Running"]
    async with world.work() as work:
        (run,) = (await read.get_many_flow_runs(work, [inner.run_id])).values()
    assert run.state_message == (
        "It ran in the process of nightly, which was taken from it by hand."
    )


async def test_run_that_is_put_back_before_it_began_leaves_nothing(world: World) -> None:
    await world.create()
    (offered,) = await world.offer()
    lease = await world.claim(offered)

    await take(world, lease, StateType.SCHEDULED)

    assert [name for _, name in await world.history(lease.run_id)] == [
        "Scheduled",
        "Pending",
        "Scheduled",
    ]
