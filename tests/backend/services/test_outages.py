"""An outage of the API is added to every deadline that was alive when it began."""

from datetime import timedelta

from sqlalchemy import select

from headgate_server.loops import lost_runs
from headgate_server.loops.loop import LoopContext
from headgate_server.services import upkeep
from headgate_server.settings import Timers
from headgate_server.tables.work_pools import work_items
from tests.fixtures.world import World

GRACE = Timers().outage_grace
ABANDON_AFTER = timedelta(minutes=10)


async def note_service(world: World) -> timedelta | None:
    async with world.system() as work:
        return await upkeep.note_service(work, grace=GRACE)


async def fence_from_now(world: World) -> timedelta:
    async with world.system() as work:
        rows = await work.execute(select(work_items.c.fence_until - work.now))
        return rows.scalar_one()


async def reap(world: World) -> int:
    return await lost_runs.run_once(LoopContext(world.database, world.bus, Timers()))


async def test_a_lease_lives_longer_by_our_outage(world: World) -> None:
    await note_service(world)
    await world.started()
    before = await fence_from_now(world)

    world.shift.by = timedelta(hours=1)
    lasted = await note_service(world)

    assert lasted is not None
    assert timedelta(hours=1) <= lasted < timedelta(hours=1, minutes=1)
    assert abs(await fence_from_now(world) - before) < timedelta(seconds=10)
    assert await note_service(world) is None


async def test_nobody_is_judged_while_no_api_serves(world: World) -> None:
    await note_service(world)
    lease = await world.started()
    world.shift.by = ABANDON_AFTER + timedelta(minutes=1)

    assert await reap(world) == 0

    assert (await world.history(lease.run_id))[-1][1] == "Running"


async def test_a_silent_holder_is_judged_while_the_api_serves(world: World) -> None:
    await note_service(world)
    lease = await world.started()
    step = GRACE / 2
    while world.shift.by < ABANDON_AFTER + timedelta(minutes=1):
        world.shift.by += step
        assert await note_service(world) is None

    assert await reap(world) >= 1

    assert (await world.history(lease.run_id))[-1][1] == "Crashed"
