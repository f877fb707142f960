"""Background tasks once they are queued: listed, logged, queued again, and swept."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from headgate_server.domain.background_tasks import (
    MAX_LINES,
    BackgroundTask,
    Outcome,
    TaskFilter,
    TaskLease,
    TaskLine,
)
from headgate_server.domain.errors import IllegalTransition, InvalidInput, LeaseLost, NotFound
from headgate_server.domain.ids import new_id
from headgate_server.domain.logs import LogBatch
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.states import StateType
from headgate_server.loops import retention as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories.retention import Kept
from headgate_server.services import background_tasks, retention, workspaces
from headgate_server.services.background_tasks import AppendedLines
from headgate_server.services.workspaces import RetentionChanges
from headgate_server.settings import Timers
from headgate_server.tables.background_tasks import background_task_logs
from headgate_server.tables.background_tasks import background_tasks as table
from tests.backend.services.test_background_tasks import (
    call,
    find,
    finish,
    queue,
    start,
    take,
    worker,
)
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

FAILED = Outcome(StateType.FAILED, "Failed", "No luck.")


def lines(*messages: str) -> LogBatch:
    count = len(messages)
    return LogBatch(
        timestamp=[1_700_000_000_000_000] * count,
        level=[20] * count,
        logger=["etl"] * count,
        message=list(messages),
        task_run_id=[None] * count,
    )


async def listed(world: World, **wanted: tuple[str, ...] | tuple[StateType, ...]) -> list[str]:
    filter_ = TaskFilter(**wanted)  # type: ignore[arg-type]  # fields by name
    async with world.work() as work:
        page = await background_tasks.list_tasks(work, page=PageRequest(size=10), filter=filter_)
        counted = await background_tasks.count_tasks(work, filter=filter_, cap=100)
    assert counted == len(page.items)
    return [task.name for task in page.items]


async def append(
    world: World, lease: TaskLease, batch: LogBatch, *, offset: int, has_room: bool = True
) -> AppendedLines:
    async with world.work() as work:
        return await background_tasks.append_lines(
            work, lease, batch, offset=offset, has_room=has_room
        )


async def logged(world: World, task: BackgroundTask) -> list[TaskLine]:
    async with world.work() as work:
        page = await background_tasks.list_lines(work, task.id, page=PageRequest(size=100))
    return list(page.items)


async def retry(world: World, task: BackgroundTask) -> BackgroundTask:
    async with world.work() as work:
        return await background_tasks.retry_task(work, task.id)


async def running(world: World) -> tuple[BackgroundTask, TaskLease]:
    await queue(world)
    (taken,) = await take(world, worker())
    return taken, await start(world, taken)


async def test_what_is_queued_is_listed_by_task_state_and_tag(world: World) -> None:
    await queue(world, call(name="a", tags=("red", "big")))
    (taken,) = await take(world, worker())
    await start(world, taken)
    world.shift.by = timedelta(seconds=1)
    await queue(world, call(name="b", task_key="triple", tags=("blue",)))
    world.shift.by = timedelta(seconds=2)
    await queue(world, call(name="c"))

    assert await listed(world) == ["c", "b", "a"]
    assert await listed(world, task_keys=("triple", "none")) == ["b"]
    assert await listed(world, state_types=(StateType.SCHEDULED,)) == ["c", "b"]
    assert await listed(world, tags=("red", "blue")) == ["b", "a"]
    assert await listed(world, tags=("red",), state_types=(StateType.SCHEDULED,)) == []


async def test_lines_are_kept_once_in_order_also_after_the_end(world: World) -> None:
    task, lease = await running(world)

    await append(world, lease, lines("a", "b"), offset=0)
    again = await append(world, lease, lines("a", "b", "c"), offset=0)
    await finish(world, lease)
    await append(world, lease, lines("d"), offset=3)

    assert again == AppendedLines(dropped=0, size_bytes=3)
    kept = await logged(world, task)
    assert [(line.epoch, line.sequence, line.message) for line in kept] == [
        (1, 0, "a"),
        (1, 1, "b"),
        (1, 2, "c"),
        (1, 3, "d"),
    ]


async def test_worker_that_lost_a_call_writes_nothing_more_of_it(world: World) -> None:
    task, lease = await running(world)
    await append(world, lease, lines("first"), offset=0)
    world.shift.by = timedelta(minutes=5)
    (taken,) = await take(world, worker())
    second = await start(world, taken)

    with pytest.raises(LeaseLost):
        await append(world, lease, lines("late"), offset=1)
    stranger = TaskLease(task.id, uuid4(), taken.epoch)
    with pytest.raises(LeaseLost):
        await append(world, stranger, lines("strange"), offset=0)
    await append(world, second, lines("second"), offset=0)

    kept = await logged(world, task)
    assert [(line.epoch, line.message) for line in kept] == [(1, "first"), (2, "second")]


async def test_lines_that_have_no_room_are_counted(world: World) -> None:
    task, lease = await running(world)

    full = await append(world, lease, lines("a", "b"), offset=MAX_LINES - 1)
    spent = await append(world, lease, lines("c"), offset=0, has_room=False)
    with pytest.raises(InvalidInput):
        await append(world, lease, lines("d"), offset=-1)

    assert (full.dropped, spent) == (1, AppendedLines(dropped=1, size_bytes=0))
    assert [line.message for line in await logged(world, task)] == ["a"]


async def test_call_that_is_over_is_queued_again_as_it_was(world: World) -> None:
    task, lease = await running(world)
    with pytest.raises(IllegalTransition, match="The task is Running"):
        await retry(world, task)
    await finish(world, lease, FAILED)

    queued = await retry(world, task)
    (taken,) = await take(world, worker())
    with pytest.raises(LeaseLost):
        await finish(world, lease)
    await finish(world, await start(world, taken))

    assert (queued.state_name, queued.message, queued.ended_at) == ("Scheduled", None, None)
    assert (taken.epoch, taken.parameters) == (2, task.parameters)
    assert (await find(world, task.id)).state_name == "Completed"


async def test_call_that_was_cancelled_is_queued_again_without_that(world: World) -> None:
    (task,) = await queue(world)
    async with world.work() as work:
        await background_tasks.cancel_task(work, task.id)

    queued = await retry(world, task)

    assert queued.cancel_requested_at is None
    assert [one.id for one in await take(world, worker())] == [task.id]


async def test_unknown_call_is_not_queued_again(world: World) -> None:
    with pytest.raises(NotFound):
        async with world.work() as work:
            await background_tasks.retry_task(work, new_id())


async def test_calls_and_lines_go_with_the_time_that_a_workspace_keeps_them(world: World) -> None:
    task, lease = await running(world)
    await append(world, lease, lines("a"), offset=0)
    await finish(world, lease)
    async with world.work() as work:
        await workspaces.update_workspace(
            work,
            id_=world.tenant.workspace_id,
            retention=RetentionChanges(runs_kept_days=9, logs_kept_days=3, events_kept_days=3),
        )
    left: list[tuple[int, int]] = []

    for days in (2, 4, 10):
        world.shift.by = timedelta(days=days)
        await loop.run_once(LoopContext(world.database, world.bus, Timers()))
        async with world.system() as work:
            tasks = await work.execute(select(func.count()).select_from(table))
            kept = await work.execute(select(func.count()).select_from(background_task_logs))
            left.append((tasks.scalar_one(), kept.scalar_one()))

    assert left == [(1, 1), (1, 0), (0, 0)]
    assert task.id == lease.id


async def test_log_goes_so_long_after_its_call_ended_and_never_while_it_has_not(
    world: World,
) -> None:
    week, counted = timedelta(days=7), list[int]()
    kept = Kept(world.tenant.workspace_id, runs=week * 4, logs=week, events=week)
    await queue(world, call(), call())
    tasks = await take(world, worker())
    leases = [await start(world, task) for task in tasks]
    for lease in leases:
        await append(world, lease, lines("begins"), offset=0)
    await finish(world, leases[0])

    for days in (0, 8):
        world.shift.by = timedelta(days=days)
        async with world.system() as work:
            while await retention.purge(work, kept):
                pass
        counted += [len(await logged(world, task)) for task in tasks]

    assert counted == [1, 1, 0, 1]
