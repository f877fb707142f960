"""Cancels that end: with all that is below a run, and by force where nobody confirms them."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from headgate_server.dispatch.changes import Changes
from headgate_server.domain.errors import NotFound
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType, propose
from headgate_server.loops import stuck_cancels
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories.outages import note_service
from headgate_server.services import cancels
from headgate_server.services.flow_runs import change, create, read
from headgate_server.services.leases import hold
from headgate_server.settings import Timers
from tests.factories.subflows import end_below, subflow, task_of
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

GRACE = timedelta(seconds=5)


async def child(world: World, parent: LeaseRef) -> LeaseRef:
    """Make a run of the deployment below another, and start it on an agent."""
    request = create.RunRequest(
        deployment_id=world.deployed.deployment_id,
        parent_task_run_id=await task_of(world, parent),
    )
    async with world.work() as work:
        await create.create_run(work, request)
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING)
    return lease


async def cancel(world: World, run_id: UUID, grace_seconds: int = 5) -> None:
    request = change.CancelRequest(grace_seconds=grace_seconds)
    async with world.work() as work:
        await change.cancel_run(work, run_id=run_id, request=request)


async def release(world: World, lease: LeaseRef, type_: StateType) -> None:
    """End a run as its agent does, whose process is gone."""
    await Changes(database=world.database).propose(
        world.tenant.owner,
        world.tenant.workspace_id,
        run_id=lease.run_id,
        proposal=hold.check_release(lease, propose(type_)),
    )


async def states_of(world: World, *leases: LeaseRef) -> list[str]:
    async with world.work() as work:
        runs = await read.get_many_flow_runs(work, [lease.run_id for lease in leases])
    return [runs[lease.run_id].state_name for lease in leases]


async def force(world: World) -> int:
    async with world.database.system() as work:
        # The API served all the while: nothing is an outage of ours.
        await note_service(work, grace=timedelta(days=1))
    return await stuck_cancels.run_once(LoopContext(world.database, world.bus, Timers()))


async def test_all_that_is_below_a_run_is_cancelled_with_it(world: World) -> None:
    top = await world.started()
    inside = await subflow(world, top)
    below = await child(world, inside)
    waiting = await child(world, top)
    await release(world, waiting, StateType.FAILED)
    other = await world.started()

    await cancel(world, top.run_id)
    await end_below(world)

    assert await states_of(world, top, inside, below, waiting, other) == [
        "Cancelling",
        "Cancelling",
        "Cancelling",
        "Failed",
        "Running",
    ]


async def test_what_ran_in_a_process_that_is_gone_is_over_with_it(world: World) -> None:
    cancelled, crashed = await world.started(), await world.started()
    inside, lost = await subflow(world, cancelled), await subflow(world, crashed)
    deeper, kept = await subflow(world, inside), await child(world, crashed)
    await cancel(world, cancelled.run_id)
    await end_below(world)

    await release(world, cancelled, StateType.CANCELLED)
    await release(world, crashed, StateType.CRASHED)
    await end_below(world)

    assert await states_of(world, cancelled, inside, deeper) == ["Cancelled"] * 3
    assert await states_of(world, crashed, lost, kept) == ["Crashed", "Crashed", "Running"]


async def test_nothing_starts_below_a_run_that_is_being_cancelled(world: World) -> None:
    top = await world.started()
    task_id = await task_of(world, top)
    await cancel(world, top.run_id)
    request = create.RunRequest(
        deployment_id=world.deployed.deployment_id, parent_task_run_id=task_id
    )

    with pytest.raises(NotFound, match="cancelled"):
        async with world.work() as work:
            await create.create_run(work, request)


async def test_cancel_that_nobody_confirms_is_forced_and_says_so(world: World) -> None:
    top = await world.started()
    inside = await subflow(world, top)
    await cancel(world, top.run_id)
    world.shift.by = GRACE + cancels.CONFIRMED_WITHIN - timedelta(seconds=1)
    early = await force(world)

    world.shift.by += timedelta(seconds=2)
    forced = await force(world)
    await end_below(world)

    assert (early, forced, await force(world)) == (0, 1, 0)
    assert await states_of(world, top, inside) == ["Cancelled", "Cancelled"]
    async with world.work() as work:
        run = await read.get_flow_run(work, top.run_id)
    assert run.state_message is not None
    assert run.state_message.startswith("Cancelled by force: nobody confirmed in time")
    assert "the process may still run" in run.state_message


@pytest.mark.parametrize("reason", [None, "It is stuck."])
async def test_cancel_that_a_person_forces_says_so(world: World, reason: str | None) -> None:
    lease = await world.started()
    (waiting,) = await world.create()
    forced = change.CancelRequest(reason=reason, is_forced=True)
    await cancel(world, lease.run_id)
    world.shift.by = timedelta(seconds=3)

    async with world.work() as work:
        done = await change.cancel_run(work, run_id=lease.run_id, request=forced)
        other = await change.cancel_run(work, run_id=waiting.id, request=forced)

    assert done.state is not None
    assert done.run.state_type is StateType.CANCELLED
    assert done.state.message == (
        f"Cancelled by force: {reason or 'somebody asked for it.'} Whoever holds it was last heard "
        "of 3 seconds ago; the process may still run."
    )
    assert done.state.details == {"isForced": True}
    assert other.state is not None
    assert (other.state.message, other.state.details) == (reason or "Cancelled by request.", {})


@pytest.mark.parametrize(("grace", "left"), [(2, 2), (300, 5)])
async def test_run_that_is_being_cancelled_ends_at_the_sooner_time(
    world: World, grace: int, left: int
) -> None:
    lease = await world.started()
    await cancel(world, lease.run_id)
    world.shift.by = timedelta(seconds=1)
    await cancel(world, lease.run_id, grace)
    asked_at = timedelta(seconds=1 if left < 5 else 0)

    world.shift.by = asked_at + timedelta(seconds=left - 1) + cancels.CONFIRMED_WITHIN
    early = await force(world)
    (verdict,) = await renew(world, lease)
    world.shift.by += timedelta(seconds=2)

    assert (early, await force(world)) == (0, 1)
    assert verdict == left


@pytest.mark.parametrize("is_reached", [False, True])
async def test_sooner_end_reaches_what_is_below_and_is_in_the_audit_log(
    world: World, *, is_reached: bool
) -> None:
    top = await world.started()
    below = await child(world, top)
    deepest = await child(world, below)

    await cancel(world, top.run_id, 600)
    if is_reached:
        await end_below(world)
    await cancel(world, top.run_id, 1)
    await cancel(world, top.run_id, 300)
    await end_below(world)

    assert [await renew(world, lease) for lease in (top, below, deepest)] == [[1]] * 3
    async with world.system() as work:
        rows = await work.execute(
            text(
                "select diff::text from audit_entries "
                "where action = 'flow_run.cancelled' order by at"
            )
        )
        told = [row[0] for row in rows]
    assert len(told) == 2
    assert '"graceSeconds": 1' in told[1]


async def renew(world: World, lease: LeaseRef) -> list[int | None]:
    """Return the grace that a heartbeat tells of a run."""
    async with world.work() as work:
        verdicts = await hold.renew_leases(work, held=[lease], lease=timedelta(seconds=90))
    return [one.grace_seconds for one in verdicts]


async def test_cancel_that_was_confirmed_is_not_forced(world: World) -> None:
    lease = await world.started()
    await cancel(world, lease.run_id)
    await world.propose(lease, StateType.CANCELLED)
    before = await world.history(lease.run_id)
    world.shift.by = timedelta(hours=1)

    assert await force(world) == 0
    assert await world.history(lease.run_id) == before
