"""The queue of background tasks on a real database: who gets what, when, and for how long."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from headgate_server.domain.background_tasks import (
    MAX_LOSSES,
    BackgroundTask,
    LeaseVerdict,
    NewBackgroundTask,
    Outcome,
    TaskLease,
    Worker,
)
from headgate_server.domain.errors import (
    Forbidden,
    IdempotencyMismatch,
    InvalidInput,
    LeaseLost,
    NotFound,
)
from headgate_server.domain.ids import new_id
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories.retention import Kept
from headgate_server.services import background_tasks, generations, retention
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

OFFER, LEASE = timedelta(seconds=15), timedelta(seconds=90)
DONE = Outcome(StateType.COMPLETED, "Completed", result={"value": 4})
GIVEN_BACK = Outcome(StateType.SCHEDULED, "Scheduled", "Given back.")


def call(**changed: Any) -> NewBackgroundTask:
    new = NewBackgroundTask(
        id=new_id(), task_key="double", name="double-1", parameters={"value": {"x": 2}}
    )
    return replace(new, **changed)


def worker(*keys: str, limit: int = 10) -> Worker:
    return Worker(id=uuid4(), task_keys=keys or ("double",), limit=limit)


async def queue(
    world: World, *calls: NewBackgroundTask, sender: RunGrant | None = None
) -> list[BackgroundTask]:
    async with world.work() as work:
        return [
            await background_tasks.create_task(work, new, sender=sender)
            for new in calls or [call()]
        ]


async def take(world: World, taker: Worker) -> list[BackgroundTask]:
    async with world.work() as work:
        taken, _ = await background_tasks.take_tasks(work, taker, duration=OFFER)
    return taken


async def start(world: World, task: BackgroundTask) -> TaskLease:
    assert task.token is not None
    lease = TaskLease(task.id, task.token, task.epoch)
    async with world.work() as work:
        await background_tasks.start_task(work, lease, duration=LEASE)
    return lease


async def finish(world: World, lease: TaskLease, outcome: Outcome = DONE) -> BackgroundTask:
    async with world.work() as work:
        return await background_tasks.finish_task(work, lease, outcome)


async def find(world: World, id_: UUID) -> BackgroundTask:
    async with world.work() as work:
        found = await background_tasks.find_task(work, id_)
    assert found is not None
    return found


async def test_call_goes_from_the_queue_to_its_end(world: World) -> None:
    (queued,) = await queue(world)

    (taken,) = await take(world, worker())
    lease = await start(world, taken)
    running = await find(world, queued.id)
    ended = await finish(world, lease)
    again = await finish(world, lease)

    assert (queued.state_name, queued.epoch) == ("Scheduled", 0)
    assert (taken.state_name, taken.epoch, taken.parameters) == ("Pending", 1, {"value": {"x": 2}})
    assert (running.state_name, running.ended_at) == ("Running", None)
    assert (ended.state_name, ended.result, ended.leased_until) == ("Completed", {"value": 4}, None)
    assert ended == again
    assert [(state.name, state.epoch) for state in ended.states] == [
        ("Scheduled", 0),
        ("Pending", 1),
        ("Running", 1),
        ("Completed", 1),
    ]
    assert ended.states[0].entered_at == queued.created_at
    assert ended.states[-1].entered_at == ended.ended_at
    assert await take(world, worker()) == []


async def test_state_keeps_the_beginning_of_a_long_message(world: World) -> None:
    await queue(world)
    lease = await start(world, (await take(world, worker()))[0])

    ended = await finish(world, lease, Outcome(StateType.FAILED, "Failed", "x" * 1_001))

    assert (ended.message, ended.states[-1].message) == ("x" * 1_001, "x" * 1_000)


async def test_call_that_is_sent_again_is_queued_once(world: World) -> None:
    new = call()
    (first,), (second,) = await queue(world, new), await queue(world, new)

    assert first == second
    with pytest.raises(IdempotencyMismatch):
        await queue(world, replace(new, parameters={"value": {"x": 3}}))


async def test_worker_gets_what_it_knows_and_has_room_for(world: World) -> None:
    await queue(world, *(call() for _ in range(5)), call(task_key="other"))
    taker = worker(limit=3)

    first = await take(world, taker)
    full = await take(world, taker)
    await finish(world, await start(world, first[0]))
    more = await take(world, taker)

    assert ([task.task_key for task in first], len(full), len(more)) == (["double"] * 3, 0, 1)
    assert [task.task_key for task in await take(world, worker("other", "third"))] == ["other"]


async def test_many_workers_never_get_the_same_call(world: World) -> None:
    queued = await queue(world, *(call() for _ in range(20)))

    taken = await asyncio.gather(*(take(world, worker(limit=4)) for _ in range(8)))

    found = [task.id for tasks in taken for task in tasks]
    assert len(found) == len(set(found))
    rest = await take(world, worker(limit=20))
    assert {*found, *(task.id for task in rest)} == {task.id for task in queued}


async def test_priority_counts_as_minutes_of_waiting(world: World) -> None:
    (old,) = await queue(world, call(name="old"))
    world.shift.by = timedelta(minutes=10)
    await queue(world, call(name="plain"), call(name="five", priority=5))
    await queue(world, call(name="twenty", priority=20), call(name="last", priority=-1))

    taken = await take(world, worker())

    assert [task.name for task in taken] == ["twenty", "old", "five", "plain", "last"]
    assert taken[1].id == old.id


async def test_call_is_taken_when_it_is_due(world: World) -> None:
    async with world.work() as work:
        due_at = work.now + timedelta(minutes=5)
    await queue(world, call(due_at=due_at))

    async with world.work() as work:
        early, next_at = await background_tasks.take_tasks(work, worker(), duration=OFFER)
    world.shift.by = timedelta(minutes=6)

    assert (early, next_at) == ([], due_at)
    assert len(await take(world, worker())) == 1


async def test_call_of_a_lost_worker_is_taken_under_a_higher_epoch(world: World) -> None:
    await queue(world)
    (first,) = await take(world, worker())
    old = await start(world, first)

    world.shift.by = LEASE - timedelta(seconds=1)
    too_early = await take(world, worker())
    world.shift.by = LEASE + timedelta(seconds=1)
    (second,) = await take(world, worker())
    async with world.work() as work:
        verdicts = await background_tasks.renew_leases(work, [old], duration=LEASE)
    with pytest.raises(LeaseLost):
        await finish(world, old)
    with pytest.raises(LeaseLost):
        await start(world, first)
    ended = await finish(world, await start(world, second))

    assert too_early == []
    assert (second.epoch, second.losses, verdicts) == (2, 1, [LeaseVerdict.LOST])
    assert (ended.state_name, ended.epoch) == ("Completed", 2)


async def test_renewed_lease_is_kept(world: World) -> None:
    await queue(world)
    (taken,) = await take(world, worker())
    lease = await start(world, taken)

    for minutes in (1, 2, 3):
        world.shift.by = timedelta(minutes=minutes)
        async with world.work() as work:
            assert await background_tasks.renew_leases(work, [lease], duration=LEASE) == [
                LeaseVerdict.RENEWED
            ]
        assert await take(world, worker()) == []


async def test_offer_that_nobody_starts_costs_no_loss(world: World) -> None:
    await queue(world)
    found: list[BackgroundTask] = []
    for number in range(10):
        world.shift.by = 2 * number * OFFER
        found += await take(world, worker())

    assert [(task.epoch, task.losses) for task in found] == [(epoch, 0) for epoch in range(1, 11)]


async def test_call_that_kills_its_workers_crashes(world: World) -> None:
    (queued,) = await queue(world)
    for number in range(MAX_LOSSES + 1):
        world.shift.by = 2 * number * LEASE
        (taken,) = await take(world, worker())
        await start(world, taken)
    world.shift.by += 2 * LEASE

    assert await take(world, worker()) == []

    crashed = await find(world, queued.id)
    assert (crashed.state_name, crashed.epoch, crashed.losses) == ("Crashed", 4, 4)
    assert crashed.message == "4 workers were lost while they ran it."


async def test_call_that_is_given_back_goes_to_another_at_once(world: World) -> None:
    await queue(world)
    (taken,) = await take(world, worker())

    back = await finish(world, await start(world, taken), GIVEN_BACK)
    (again,) = await take(world, worker())

    assert (back.state_name, back.ended_at, back.leased_until) == ("Scheduled", None, None)
    assert (again.epoch, again.losses) == (2, 0)


async def test_waiting_call_is_cancelled_at_once(world: World) -> None:
    (queued,) = await queue(world)

    async with world.work() as work:
        cancelled = await background_tasks.cancel_task(work, queued.id)
        again = await background_tasks.cancel_task(work, queued.id)
        with pytest.raises(NotFound):
            await background_tasks.cancel_task(work, new_id())

    assert cancelled.state_name == again.state_name == "Cancelled"
    assert await take(world, worker()) == []


async def test_call_that_is_cancelled_before_its_worker_begins_never_does(world: World) -> None:
    (queued,) = await queue(world)
    (taken,) = await take(world, worker())

    async with world.work() as work:
        cancelled = await background_tasks.cancel_task(work, queued.id)
    with pytest.raises(LeaseLost):
        await start(world, taken)

    assert (cancelled.state_name, cancelled.leased_until) == ("Cancelled", None)
    assert await find(world, queued.id) == cancelled
    assert await take(world, worker()) == []


@pytest.mark.parametrize(
    ("way", "name"), [("tells", "Cancelled"), ("gives back", "Cancelled"), ("is lost", "Cancelled")]
)
async def test_running_call_is_cancelled_through_its_worker(
    world: World, way: str, name: str
) -> None:
    (queued,) = await queue(world)
    (taken,) = await take(world, worker())
    lease = await start(world, taken)

    async with world.work() as work:
        asked = await background_tasks.cancel_task(work, queued.id)
        verdicts = await background_tasks.renew_leases(work, [lease], duration=LEASE)
    if way == "tells":
        await finish(world, lease, Outcome(StateType.CANCELLED, "Cancelled"))
    elif way == "gives back":
        await finish(world, lease, GIVEN_BACK)
    else:
        world.shift.by = 2 * LEASE
        assert await take(world, worker()) == []

    assert (asked.ended_at, verdicts) == (None, [LeaseVerdict.CANCEL_REQUESTED])
    assert (await find(world, queued.id)).state_name == name


async def test_run_queues_calls_while_its_lease_lives(world: World) -> None:
    lease = await world.started()
    grant = RunGrant(run_id=lease.run_id, epoch=lease.epoch)

    assert len(await queue(world, sender=grant)) == 1
    with pytest.raises(Forbidden, match="may not start others"):
        await queue(world, sender=replace(grant, may_start=False))
    with pytest.raises(LeaseLost):
        await queue(world, sender=replace(grant, epoch=lease.epoch + 1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"task_key": ""},
        {"name": "x" * 301},
        {"tags": ("x",) * 51},
        {"priority": 1_001},
        {"parameters": "x" * 70_000},
        {"parameters": "\0"},
    ],
)
async def test_call_that_cannot_be_kept_is_refused(world: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await queue(world, call(**wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        Outcome(StateType.RUNNING, "Running"),
        Outcome(StateType.COMPLETED, "Failed"),
        Outcome(StateType.COMPLETED, "Completed", result="x" * 70_000),
        Outcome(StateType.FAILED, "Failed", "x" * 10_001),
    ],
)
async def test_outcome_that_is_none_is_refused(world: World, wrong: Outcome) -> None:
    await queue(world)
    (taken,) = await take(world, worker())
    lease = await start(world, taken)

    with pytest.raises(InvalidInput):
        await finish(world, lease, wrong)
    with pytest.raises(InvalidInput):
        await take(world, worker(limit=0))


async def test_ended_calls_go_with_the_runs(world: World) -> None:
    ended, waiting = await queue(world, call(), call())
    (taken, _) = await take(world, worker())
    await finish(world, await start(world, taken))
    world.shift.by = timedelta(days=31)
    month = timedelta(days=30)
    kept = Kept(world.tenant.workspace_id, runs=month, logs=month, events=month)

    async with world.system() as work:
        while await retention.purge(work, kept):
            pass

    async with world.work() as work:
        assert await background_tasks.find_task(work, ended.id) is None
        assert await background_tasks.find_task(work, waiting.id) is not None


async def test_restore_takes_every_call_from_the_worker_that_held_it(world: World) -> None:
    (sent,) = await queue(world)
    async with world.work() as work:
        (task,), _ = await background_tasks.take_tasks(work, worker(), duration=OFFER)
    assert task.token is not None
    lease = TaskLease(task.id, task.token, task.epoch)
    async with world.work() as work:
        await background_tasks.start_task(work, lease, duration=LEASE)

    async with world.system() as work:
        begun = await generations.start_generation(work, lease=LEASE)

    assert begun.leases == 1
    async with world.work() as work:
        with pytest.raises(LeaseLost):
            await background_tasks.finish_task(work, lease, DONE)
        assert (await background_tasks.take_tasks(work, worker(), duration=OFFER))[0] == []
    world.shift.by += LEASE + timedelta(seconds=1)
    async with world.work() as work:
        (again,), _ = await background_tasks.take_tasks(work, worker(), duration=OFFER)
    assert (again.id, again.epoch) == (sent.id, task.epoch + 1001)
