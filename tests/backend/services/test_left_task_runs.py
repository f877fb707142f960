"""Task runs that a process has left unfinished: they end with their run, which tells them."""

from datetime import timedelta
from typing import Any

import pytest

from headgate_server.dispatch.changes import Changes
from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.services import task_runs
from headgate_server.services.flow_runs import change
from headgate_server.services.leases import hold
from headgate_server.services.transitions import Proposal, transition
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

RUNNING = ["RUNNING", "Running", 1_000_000, None]
COMPLETED = ["COMPLETED", "Completed", 2_000_000, None]


async def report(world: World, lease: LeaseRef, *states: list[Any]) -> list[Any]:
    """Report a task run for each list of states, and return their ids."""
    made = [ids.new_id() for _ in states]
    size = len(states)
    batch: dict[str, Any] = {
        "id": [ids.show(Kind.TASK_RUN, id_) for id_ in made],
        "taskKey": ["load"] * size,
        "name": ["load"] * size,
        "mapIndex": [None] * size,
        "tags": [[]] * size,
        "cacheKey": [None] * size,
        "attempt": [1] * size,
        "parents": [[]] * size,
        "states": list(states),
    }
    async with world.work() as work:
        await task_runs.sync_task_runs(work, flow_run_id=lease.run_id, lease=lease, batch=batch)
    return made


async def shown(world: World, made: list[Any]) -> list[tuple[str, int, bool]]:
    """Return the state, how many there were, and whether it has ended, of each task run."""
    async with world.work() as work:
        found = await task_runs.get_many_task_runs(work, made)
    return [
        (found[id_].state_name, len(found[id_].states), found[id_].ended_at is not None)
        for id_ in made
    ]


async def release(world: World, lease: LeaseRef, type_: StateType) -> None:
    """End a run as its agent does, whose process is gone."""
    await Changes(database=world.database).propose(
        world.tenant.owner,
        world.tenant.workspace_id,
        run_id=lease.run_id,
        proposal=hold.check_release(lease, propose(type_)),
    )


async def test_task_runs_of_a_process_that_was_killed_crash_with_it(world: World) -> None:
    lease = await world.started()
    made = await report(world, lease, [RUNNING], [RUNNING, COMPLETED])
    async with world.work() as work:
        before = await task_runs.task_sequence(work, flow_run_id=lease.run_id)

    await release(world, lease, StateType.CRASHED)

    assert await shown(world, made) == [("Crashed", 2, True), ("Completed", 2, True)]
    async with world.work() as work:
        after = await task_runs.task_sequence(work, flow_run_id=lease.run_id)
    assert after == before + 1


@pytest.mark.parametrize("type_", [StateType.FAILED, StateType.COMPLETED])
async def test_task_runs_of_a_run_that_a_person_ended_are_cancelled(
    world: World, type_: StateType
) -> None:
    lease = await world.started()
    made = await report(world, lease, [RUNNING], [RUNNING, COMPLETED])

    async with world.work() as work:
        done = await transition(
            work,
            run_id=lease.run_id,
            proposal=Proposal(
                state=propose(type_, message="by hand"), proposer=Proposer.PERSON, is_forced=True
            ),
        )

    assert done.is_accepted
    assert await shown(world, made) == [("Cancelled", 2, True), ("Completed", 2, True)]


async def test_task_runs_of_a_lost_agent_crash_with_it(
    world: World,
) -> None:
    lease = await world.started()
    made = await report(world, lease, [RUNNING])
    world.shift.by = timedelta(minutes=11)

    assert await world.reap() == 1

    assert await shown(world, made) == [("Crashed", 2, True)]


async def test_task_runs_go_on_while_their_run_is_being_cancelled(world: World) -> None:
    lease = await world.started()
    made = await report(world, lease, [RUNNING])

    async with world.work() as work:
        await change.cancel_run(
            work, run_id=lease.run_id, request=change.CancelRequest(grace_seconds=5)
        )
    meanwhile = await shown(world, made)
    await release(world, lease, StateType.CANCELLED)

    assert meanwhile == [("Running", 1, False)]
    assert await shown(world, made) == [("Cancelled", 2, True)]
