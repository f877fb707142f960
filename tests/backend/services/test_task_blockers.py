"""Why a background task is not running: each cause made for real, with what would end it."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from headgate_server.domain.background_tasks import FORGOTTEN_AFTER, Outcome, TaskLease, Worker
from headgate_server.domain.blockers import Blocker
from headgate_server.domain.concurrency_limits import Acquisition, SlotRequest, Use
from headgate_server.domain.errors import LeaseLost
from headgate_server.services import (
    background_tasks,
    closing,
    concurrency_limits,
    task_blockers,
)
from headgate_server.services.concurrency_limits import LimitChanges
from headgate_server.tables.background_tasks import task_workers
from tests.backend.services.test_background_tasks import (
    DONE,
    GIVEN_BACK,
    call,
    finish,
    queue,
    start,
    take,
    worker,
)
from tests.backend.services.test_concurrency_limits import ask, put, use_of
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

SILENT_FOR = timedelta(seconds=45)


async def why(world: World, id_: UUID) -> list[Blocker]:
    async with world.work() as work:
        return await task_blockers.list_task_blockers(work, id_, silent_for=SILENT_FOR)


async def codes(world: World, id_: UUID) -> list[str]:
    return [one.code.value for one in await why(world, id_)]


async def test_call_that_nobody_serves_says_so_until_a_worker_is_there(world: World) -> None:
    first, second = await queue(world, call(), call())

    (unserved,) = await why(world, second.id)
    await take(world, worker("other"))
    still = await codes(world, first.id)
    taker = worker(limit=1)
    await take(world, taker)
    taken = await codes(world, first.id)

    assert (unserved.code.value, unserved.queue_position) == ("NO_WORKER", 1)
    assert unserved.action is not None
    assert unserved.action.command == "headgate task serve path/file.py:double"
    assert still == ["NO_WORKER"]
    assert taken == ["BEING_STARTED"]


async def test_call_that_workers_have_no_room_for_names_what_they_have(world: World) -> None:
    first, second, third = await queue(world, call(), call(), call())
    taker = worker(limit=1)
    (taken,) = await take(world, taker)
    lease = await start(world, taken)

    (full,) = await why(world, third.id)
    running = await why(world, first.id)
    await finish(world, lease, DONE)
    free = await why(world, second.id)

    assert taken.id == first.id
    assert (full.code.value, full.held_tasks, full.queue_position) == ("NO_ROOM", (first.id,), 1)
    assert running == []
    assert free == []


async def test_worker_that_is_silent_counts_no_more_and_is_forgotten(world: World) -> None:
    (queued,) = await queue(world, call(task_key="double"))
    gone = Worker(id=uuid4(), task_keys=("double", "other"), limit=1)
    (taken,) = await take(world, gone)
    await start(world, taken)

    world.shift.by = timedelta(minutes=5)
    lost = await codes(world, queued.id)
    world.shift.by = FORGOTTEN_AFTER + timedelta(minutes=1)
    await take(world, worker("third"))
    async with world.system() as work:
        left = (await work.execute(select(func.count()).select_from(task_workers))).scalar_one()

    assert lost == ["NO_WORKER"]
    assert left == 1


async def test_worker_is_noted_every_few_seconds_and_with_what_it_serves(world: World) -> None:
    taker = worker()

    async def seen() -> tuple[object, list[str]]:
        async with world.system() as work:
            row = (await work.execute(select(task_workers))).one()
        return row.last_seen_at, row.task_keys

    await take(world, taker)
    first = await seen()
    await take(world, taker)
    same = await seen()
    world.shift.by = timedelta(seconds=6)
    await take(world, taker)
    later = await seen()

    assert first == same
    assert later[0] != first[0]
    assert later[1] == ["double"]


async def test_workers_that_look_at_once_forget_the_old_without_waiting(world: World) -> None:
    for _ in range(5):
        await take(world, worker("old"))
    world.shift.by = FORGOTTEN_AFTER + timedelta(minutes=1)

    await asyncio.gather(*(take(world, worker("new")) for _ in range(4)))

    async with world.system() as work:
        left = (await work.execute(select(func.count()).select_from(task_workers))).scalar_one()
    assert left == 4


async def test_call_says_when_it_is_due_and_which_limit_of_its_tags_is_full(world: World) -> None:
    async with world.work() as work:
        await concurrency_limits.upsert_limit(
            work, name="gpu", changes=LimitChanges(limit=1, task_tag="gpu")
        )
        later = work.now + timedelta(hours=1)
    await take(world, worker())
    ahead, waiting = await queue(world, call(due_at=later), call(tags=("gpu",)))
    before = await codes(world, waiting.id)
    async with world.work() as work:
        request = SlotRequest(lease_id=uuid4(), names=("gpu",))
        await concurrency_limits.acquire_slots(work, request, holder=None)

    (due,) = await why(world, ahead.id)
    (full,) = await why(world, waiting.id)

    assert before == []
    assert (due.code.value, due.expected_start) == ("START_TIME_AHEAD", later)
    assert full.code.value == "TAG_LIMIT"
    assert full.action is not None
    assert full.action.given["limit"] == 2


async def test_archived_workspace_is_a_reason_and_what_is_over_has_none(world: World) -> None:
    (queued,) = await queue(world)
    await take(world, worker("other"))
    async with world.work() as work:
        await closing.archive_workspace(work, id_=world.tenant.workspace_id, is_archived=True)

    archived = await codes(world, queued.id)

    assert archived == ["NO_WORKER", "WORKSPACE_ARCHIVED"]
    assert await why(world, uuid4()) == []


async def test_statements_are_few(world: World, statements: list[str]) -> None:
    tags = ("gpu",)
    _, waiting = await queue(world, call(), call(tags=tags))
    await take(world, worker(limit=1))
    statements.clear()

    await why(world, waiting.id)

    assert len([one for one in statements if "set_config" not in one]) <= 7, statements


async def test_task_at_a_limit_is_named_to_who_waits_and_waits_by_name_itself(world: World) -> None:
    limit = await put(world, "gpu", task_tag="gpu")
    taken = await take(world, worker()) if await queue(world, call(), call()) else []
    holder, waiter = [await start(world, task) for task in taken]
    run = await world.started()

    held = await ask_as(world, holder, key="a")
    await ask(world, "gpu", key="b", holder=run, patience=SILENT_FOR, priority=1)
    await ask_as(world, waiter, key="c")
    async with world.work() as work:
        holders = await concurrency_limits.list_holders(work, limit_id=limit.id, most=10)
        line = await concurrency_limits.list_waiters(work, limit_id=limit.id, most=10)
    (of_task,) = await why(world, waiter.id)

    assert held.is_acquired
    assert [(one.run_id, one.task_id) for one in holders] == [(None, holder.id)]
    told = [(one.position, one.run_id, one.task_id, one.since) for one in line]
    assert told == [(1, run.run_id, None, line[0].since), (2, None, waiter.id, line[1].since)]
    assert (of_task.code.value, of_task.queue_position) == ("TAG_LIMIT", 1)
    assert (of_task.held_tasks, of_task.since) == ((holder.id,), line[1].since)


async def test_what_a_task_holds_goes_with_its_worker_and_not_before(world: World) -> None:
    limit = await put(world, "gpu")
    await queue(world)
    (taken,) = await take(world, worker("double"))
    first = await start(world, taken)
    await ask_as(world, first, key="a")
    await ask(world, "gpu", key="b", patience=timedelta(hours=1))

    await take(world, worker("double"))
    kept = await use_of(world, limit)
    world.shift.by = timedelta(minutes=2)
    (again,) = await take(world, worker("double"))
    second = await start(world, again)

    assert again.id == first.id
    assert kept == [Use(active=1, waiting=1)]
    assert await use_of(world, limit) == [Use(active=0, waiting=1)]
    with pytest.raises(LeaseLost):
        await ask_as(world, first, key="a")
    assert not (await ask_as(world, second, key="c")).is_acquired, "somebody waits for longer"


@pytest.mark.parametrize("outcome", [DONE, GIVEN_BACK])
async def test_what_a_task_holds_goes_as_it_ends_or_is_given_back(
    world: World, outcome: Outcome
) -> None:
    limit = await put(world, "gpu")
    await queue(world, call(), call())
    first, second = [await start(world, task) for task in await take(world, worker())]
    await ask_as(world, first, key="a")
    await ask_as(world, second, key="b")

    await finish(world, first, outcome)
    freed = await use_of(world, limit)
    taken = await ask_as(world, second, key="b")
    await finish(world, second)

    assert (freed, taken.is_acquired) == ([Use(active=0, waiting=1)], True)
    assert await use_of(world, limit) == [Use(active=0, waiting=0)]


async def test_what_a_task_holds_goes_as_it_is_cancelled_before_it_began(world: World) -> None:
    limit = await put(world, "gpu")
    await queue(world)
    (offered,) = await take(world, worker())
    assert offered.token is not None
    await ask_as(world, TaskLease(offered.id, offered.token, offered.epoch), key="a")

    async with world.work() as work:
        await background_tasks.cancel_task(work, offered.id)

    assert await use_of(world, limit) == [Use(active=0, waiting=0)]


async def ask_as(world: World, lease: TaskLease, *, key: str) -> Acquisition:
    return await ask(world, "gpu", key=key, task=lease, patience=timedelta(minutes=1))
