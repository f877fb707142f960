"""What a suspended run needs to go on is not deleted under it, though no agent holds it."""

from typing import Any

import pytest

from headgate_server.domain.backfills import BackfillRequest
from headgate_server.domain.errors import Conflict, NotFound
from headgate_server.domain.ids import Kind, show
from headgate_server.domain.leases import LeaseRef, PauseKind
from headgate_server.domain.pauses import Answer, NewPause
from headgate_server.repositories import deletions as repository
from headgate_server.services import backfills, deletions, pauses
from headgate_server.services.flow_runs import change
from tests.factories.subflows import end_below, subflow
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def suspend(world: World) -> LeaseRef:
    lease = await world.started()
    async with world.work() as work:
        await pauses.pause_run(work, lease=lease, new=NewPause("1", kind=PauseKind.SUSPEND))
    return lease


@pytest.mark.parametrize(
    ("table", "name"),
    [
        (repository.DEPLOYMENT, "deployment_id"),
        (repository.POOL, "work_pool_id"),
        (repository.QUEUE, "work_queue_id"),
        (repository.FLOW, "flow_id"),
    ],
)
async def test_suspended_run_needs_its_place(world: World, table: Any, name: str) -> None:
    lease = await suspend(world)
    async with world.work() as work:
        run = (await pauses.lock_known_run(work, lease.run_id)).run
        found = await repository.list_live_runs(work, table, id_=getattr(run, name), most=3)

    assert found == [lease.run_id]


async def test_deployment_is_kept_for_a_suspended_run_which_is_resumed(world: World) -> None:
    lease = await suspend(world)
    shown = show(Kind.FLOW_RUN, lease.run_id)

    with pytest.raises(Conflict, match=shown):
        async with world.work() as work:
            await deletions.delete_deployment(work, id_=world.deployed.deployment_id)
    async with world.work() as work:
        checked = await pauses.check_answer(work, run_id=lease.run_id, answer=Answer())
        run = await pauses.resume_run(work, run_id=lease.run_id, checked=checked)

    assert run.state_name == "Resuming"
    assert [one.run_id for one in await world.offer()] == [lease.run_id]


async def test_deployment_is_kept_for_a_backfill_that_goes_on(world: World) -> None:
    deployment_id = world.deployed.deployment_id
    asked = BackfillRequest(deployment_id=deployment_id, parameter_sets=[{}], name="again")
    async with world.work() as work:
        made = await backfills.create_backfill(work, asked)
        await backfills.set_paused(work, id_=made.id, is_paused=True)

    with pytest.raises(Conflict, match="Backfills that have not ended need this deployment: again"):
        async with world.work() as work:
            await deletions.delete_deployment(work, id_=deployment_id)
    async with world.work() as work:
        await backfills.cancel_backfill(work, id_=made.id)
        await deletions.delete_deployment(work, id_=deployment_id)


async def test_run_is_kept_until_its_end_has_reached_what_is_below_it(world: World) -> None:
    top = await world.started()
    inside = await subflow(world, top)
    request = change.CancelRequest(is_forced=True)
    async with world.work() as work:
        await change.cancel_run(work, run_id=top.run_id, request=request)

    with pytest.raises(Conflict, match="delete it in a moment"):
        async with world.work() as work:
            await deletions.delete_flow_run(work, id_=top.run_id)
    async with world.work() as work:
        (refused,) = await deletions.delete_flow_runs(work, [top.run_id])
    await end_below(world)
    async with world.work() as work:
        await deletions.delete_flow_run(work, id_=top.run_id)

    assert isinstance(refused, Conflict)
    assert [name for _, name in await world.history(inside.run_id)][-1] == "Cancelled"
    with pytest.raises(NotFound):
        async with world.work() as work:
            await change.cancel_run(work, run_id=top.run_id, request=request)
