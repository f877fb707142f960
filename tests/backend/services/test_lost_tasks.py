"""Background tasks whose workers are lost, or do not stop: a loop settles them by itself."""

from datetime import datetime, timedelta
from inspect import signature

import pytest

from headgate_server.domain.background_tasks import (
    CONFIRMED_WITHIN,
    MAX_LOSSES,
    LeaseVerdict,
    Outcome,
)
from headgate_server.domain.ids import Kind, show
from headgate_server.domain.states import StateType
from headgate_server.loops import lost_tasks
from headgate_server.loops.loop import LoopContext
from headgate_server.services import background_tasks, upkeep
from headgate_server.settings import Timers
from tests.backend.services.test_background_tasks import (
    LEASE,
    OFFER,
    call,
    find,
    finish,
    queue,
    start,
    take,
    worker,
)
from tests.factories.events import recorded
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def settle(world: World) -> int:
    async with world.system() as work:
        await upkeep.note_service(work, grace=timedelta(days=1))
    return await lost_tasks.run_once(LoopContext(world.database, world.bus, Timers()))


async def due_at(world: World) -> datetime | None:
    spans = dict.fromkeys(set(signature(upkeep.next_due).parameters) - {"work"}, CONFIRMED_WITHIN)
    async with world.system() as work:
        return (await upkeep.next_due(work, **spans))["lost_tasks"]


async def test_loop_is_due_when_a_lease_ends_or_a_cancel_should_have_been_confirmed(
    world: World,
) -> None:
    (queued,) = await queue(world)
    unheld = await due_at(world)
    (taken,) = await take(world, worker())
    held = await due_at(world)
    lease = await start(world, taken)
    async with world.work() as work:
        await background_tasks.renew_leases(work, [lease], duration=2 * CONFIRMED_WITHIN)
        await background_tasks.cancel_task(work, queued.id)

    asked = await find(world, queued.id)

    assert asked.cancel_requested_at is not None
    assert (unheld, held) == (None, taken.leased_until)
    assert await due_at(world) == asked.cancel_requested_at + CONFIRMED_WITHIN


async def test_calls_of_lost_workers_wait_or_end_without_another_worker(world: World) -> None:
    calls = await queue(world, *(call() for _ in range(3)))
    taken = await take(world, worker(limit=3))
    leases = [await start(world, task) for task in taken[:2]]
    async with world.work() as work:
        await background_tasks.cancel_task(work, leases[0].id)
    early = await settle(world)
    world.shift.by = LEASE + timedelta(seconds=1)

    assert (early, await settle(world), await settle(world)) == (0, 3, 0)

    found = {one.id: await find(world, one.id) for one in calls}
    cancelled, lost, offered = (found[task.id] for task in taken)
    assert (cancelled.state_name, cancelled.leased_until) == ("Cancelled", None)
    assert (lost.state_name, lost.losses, lost.message) == (
        "Scheduled",
        1,
        "Its worker was lost; it waits for another.",
    )
    assert (offered.state_name, offered.losses, offered.message) == ("Scheduled", 0, None)
    assert [task.epoch for task in await take(world, worker())] == [2, 2]


async def test_cancel_that_a_living_worker_does_not_confirm_is_forced(world: World) -> None:
    (queued,) = await queue(world)
    (taken,) = await take(world, worker())
    lease = await start(world, taken)
    async with world.work() as work:
        await background_tasks.cancel_task(work, queued.id)

    for seconds, settled in ((59, 0), (61, 1)):
        world.shift.by = timedelta(seconds=seconds)
        async with world.work() as work:
            verdicts = await background_tasks.renew_leases(work, [lease], duration=LEASE)
        assert (verdicts, await settle(world)) == ([LeaseVerdict.CANCEL_REQUESTED], settled)

    forced = await find(world, queued.id)
    assert (forced.state_name, forced.leased_until) == ("Cancelled", None)
    assert "may still run" in (forced.message or "")
    async with world.work() as work:
        verdicts = await background_tasks.renew_leases(work, [lease], duration=LEASE)
    assert verdicts == [LeaseVerdict.LOST]


async def test_call_that_kills_its_workers_crashes_without_another_worker(world: World) -> None:
    (queued,) = await queue(world)
    for _ in range(MAX_LOSSES + 1):
        (taken,) = await take(world, worker())
        await start(world, taken)
        world.shift.by += LEASE + timedelta(seconds=1)
        assert await settle(world) == 1

    crashed = await find(world, queued.id)
    assert (crashed.state_name, crashed.epoch, crashed.losses) == ("Crashed", 4, 4)


async def test_ends_losses_and_retries_are_events(world: World) -> None:
    (queued,) = await queue(world, call(name="sum-1"))
    await take(world, worker())
    world.shift.by += OFFER + timedelta(seconds=1)
    await settle(world)
    await start(world, (await take(world, worker()))[0])
    world.shift.by += LEASE + timedelta(seconds=1)
    await settle(world)
    lease = await start(world, (await take(world, worker()))[0])
    await finish(world, lease, Outcome(StateType.FAILED, "TimedOut", "It took too long."))
    await finish(world, lease, Outcome(StateType.FAILED, "TimedOut", "It took too long."))
    async with world.work() as work:
        await background_tasks.retry_task(work, queued.id)
    async with world.work() as work:
        await background_tasks.cancel_task(work, queued.id)

    told = await recorded(world.database, world.tenant)
    found = [
        (name.removeprefix("background_task."), payload["epoch"], payload["losses"])
        for name, resource_id, payload in told
        if resource_id == show(Kind.BACKGROUND_TASK, queued.id)
    ]
    assert found == [
        ("worker_lost", 2, 1),
        ("timed_out", 3, 1),
        ("retried", 3, 0),
        ("cancelled", 3, 0),
    ]
    task = await find(world, queued.id)
    assert [(state.name, state.message) for state in task.states[-6:]] == [
        ("Scheduled", "Its worker was lost; it waits for another."),
        ("Pending", None),
        ("Running", None),
        ("TimedOut", "It took too long."),
        ("Scheduled", "Queued again by hand."),
        ("Cancelled", "Cancelled before a worker began with it."),
    ]
    state = {"type": "FAILED", "name": "TimedOut", "message": "It took too long."}
    (payload,) = [payload for name, _, payload in told if name == "background_task.timed_out"]
    assert payload == {"taskKey": "double", "state": state, "epoch": 3, "losses": 1}


async def test_outage_of_the_api_is_added_to_the_leases_of_workers(world: World) -> None:
    async with world.system() as work:
        await upkeep.note_service(work, grace=timedelta(seconds=10))
    await queue(world)
    await start(world, (await take(world, worker()))[0])
    world.shift.by = timedelta(minutes=10)

    assert await lost_tasks.run_once(LoopContext(world.database, world.bus, Timers())) == 0
    async with world.system() as work:
        await upkeep.note_service(work, grace=timedelta(seconds=10))

    assert await lost_tasks.run_once(LoopContext(world.database, world.bus, Timers())) == 0
    world.shift.by += 2 * LEASE
    assert await settle(world) == 1
