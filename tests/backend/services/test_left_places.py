"""The place that a run had in the line of a limit, and left behind as it ended."""

from datetime import timedelta

import pytest

from headgate_server.domain.concurrency_limits import Use, lease_id_of
from headgate_server.domain.states import StateType
from headgate_server.repositories import blockers, slot_holders, task_blockers
from tests.backend.services.test_concurrency_limits import WAITING, ask, put, use_of
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def test_a_run_that_has_ended_is_in_no_line(world: World) -> None:
    limit = await put(world, "database", task_tag="db")
    holder, crashed, waiter = [await world.started() for _ in range(3)]
    await ask(world, "database", key="holder", holder=holder)
    for key, lease in (("crashed", crashed), ("waiter", waiter)):
        await ask(world, "database", key=key, holder=lease, patience=WAITING)
        world.shift.by += timedelta(seconds=1)
    before = await use_of(world, limit)

    await world.propose(crashed, StateType.CRASHED)

    async with world.work() as work:
        line = await slot_holders.list_waiters(work, limit_id=limit.id, most=10)
        (slots,) = await blockers.list_waits(work, run_id=waiter.run_id)
        (tagged,) = await task_blockers.list_tag_limits(work, ["db"])
    assert (before, await use_of(world, limit)) == ([Use(1, 2)], [Use(1, 1)])
    assert [(one.position, one.lease_id) for one in line] == [
        (1, lease_id_of("waiter", owner=None))
    ]
    assert (slots.ahead, tagged.ahead) == (0, 1)
