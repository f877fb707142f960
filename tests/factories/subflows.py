"""Runs in the process of others, past their start gates."""

from uuid import UUID

from headgate_server.domain import ids
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType
from headgate_server.loops import run_ends
from headgate_server.loops.loop import LoopContext
from headgate_server.services.flow_runs import create
from headgate_server.services.task_runs import sync_task_runs
from headgate_server.settings import Timers
from tests.factories.mutations import task_report
from tests.fixtures.world import LEASE, World


async def task_of(world: World, lease: LeaseRef) -> UUID:
    """Report a task run that others may be below."""
    task_id = ids.new_id()
    async with world.work() as work:
        batch = task_report({"runId": ""}, ids.show(ids.Kind.TASK_RUN, task_id))["batch"]
        await sync_task_runs(work, flow_run_id=lease.run_id, lease=lease, batch=batch)
    return task_id


async def end_below(world: World) -> int:
    """Carry what ends of runs there are to what is below them, as the loop does; how many runs."""
    ended = 0
    while done := await run_ends.run_once(LoopContext(world.database, world.bus, Timers())):
        ended += done
    return ended


async def subflow(world: World, parent: LeaseRef) -> LeaseRef:
    """Begin a run in the process of another, past its start gate."""
    request = create.BeginRequest(
        flow_name="inside", parent_task_run_id=await task_of(world, parent)
    )
    async with world.work() as work:
        begun = await create.begin_run(work, request, lease=LEASE, parent=None)
    await world.propose(begun.lease, StateType.RUNNING)
    return begun.lease
