"""Tails over a real database: gaps, cursors, sharing, and the size of batches."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.dispatch.cursors import show_cursor
from headgate_server.dispatch.tails import BYTES_A_BATCH, EventBatch, LogBatch, RunUpdate, Tails
from headgate_server.domain.errors import InvalidCursor, NotFound
from headgate_server.domain.events import EVERY_EVENT, EventPatterns
from headgate_server.domain.ids import new_id
from headgate_server.domain.logs import LogFilter, LogStream, log_list, parse_batch
from headgate_server.domain.pagination import encode_cursor
from headgate_server.domain.states import StateType
from headgate_server.loops import retention
from headgate_server.loops.loop import LoopContext
from headgate_server.services import logs, task_runs
from headgate_server.services.upkeep import publish_events
from headgate_server.settings import Timers
from tests.backend.services.test_reports import batch
from tests.factories.feeds import publish, write_events
from tests.fixtures.sql import query
from tests.fixtures.world import World

T = TypeVar("T")


@pytest.fixture
async def tails(world: World) -> AsyncGenerator[Tails]:
    tails = Tails(database=world.database, bus=world.bus, timers=Timers())
    yield tails
    await tails.stop()


def events_of(
    tails: Tails,
    world: World,
    after: str | None = None,
    *,
    patterns: EventPatterns = EVERY_EVENT,
) -> AsyncGenerator[EventBatch]:
    return tails.workspace_events(
        world.tenant.owner,
        world.tenant.workspace_id,
        after=after,
        is_from_oldest=True,
        patterns=patterns,
    )


def log_of(
    tails: Tails, world: World, run_id: UUID, after: str | None = None
) -> AsyncGenerator[LogBatch]:
    return tails.log_tail(
        world.tenant.owner,
        world.tenant.workspace_id,
        run_id=run_id,
        after=after,
        filter_=LogFilter(),
    )


def updates_of(
    tails: Tails, world: World, run_id: UUID, after: str | None = None
) -> AsyncGenerator[RunUpdate]:
    return tails.run_updates(
        world.tenant.owner, world.tenant.workspace_id, run_id=run_id, after=after
    )


Opener = Callable[[str | None], AsyncGenerator[Any]]


def all_of(tails: Tails, world: World, run_id: UUID) -> tuple[Opener, Opener, Opener]:
    """Return what opens each kind of stream behind a cursor."""
    return (
        partial(events_of, tails, world),
        partial(log_of, tails, world, run_id),
        partial(updates_of, tails, world, run_id),
    )


async def first(stream: AsyncGenerator[T]) -> T:
    """Return the first batch of a stream and leave it."""
    async with asyncio.timeout(5), aclosing(stream):
        return await anext(stream)


def names(batch: EventBatch) -> list[str]:
    return [event.name for event in batch.events]


async def append(world: World, run_id: UUID, *messages: str) -> None:
    size = len(messages)
    batch: dict[str, list[Any]] = {
        "timestamp": [1_700_000_000_000_000] * size,
        "level": [20] * size,
        "logger": ["etl"] * size,
        "message": list(messages),
        "taskRunId": [None] * size,
    }
    async with world.work() as work:
        await logs.append_lines(
            work,
            stream=LogStream(run_id, uuid4()),
            offset=0,
            batch=parse_batch(batch),
            grant=None,
        )


async def test_number_is_never_readable_before_a_smaller_one(world: World) -> None:
    await publish(world.database, world.tenant, "first")
    async with world.system() as slow:
        await write_events(world.database, world.tenant, "slow")
        assert await publish_events(slow) == 1
        await write_events(world.database, world.tenant, "quick")
        async with world.system() as quick:
            assert await publish_events(quick) is None
    async with world.system() as quick:
        assert await publish_events(quick) == 1

    assert await query_names(world) == ["first", "slow", "quick"]


async def query_names(world: World) -> list[str]:
    tails = Tails(database=world.database, bus=world.bus, timers=Timers())
    batch = await first(events_of(tails, world))
    await tails.stop()
    return [name for name in names(batch) if not name.startswith(("deployment", "work", "flow"))]


async def test_cursor_behind_what_retention_keeps_has_a_gap(world: World, tails: Tails) -> None:
    await publish(world.database, world.tenant, "a")
    at_a = (await first(events_of(tails, world))).cursor
    await publish(world.database, world.tenant, "b", "c")
    at_c = (await first(events_of(tails, world, at_a))).cursor
    world.shift.by = timedelta(days=91)
    await publish(world.database, world.tenant, "d")
    await retention.run_once(LoopContext(world.database, world.bus, Timers()))

    behind = await first(events_of(tails, world, at_a))
    level = await first(events_of(tails, world, at_c))
    fresh = await first(events_of(tails, world))

    assert (names(behind), behind.has_gap) == (["d"], True)
    assert (names(level), level.has_gap) == (["d"], False)
    assert (names(fresh), fresh.has_gap) == (["d"], False)


async def make_day(urls: DatabaseUrls, *, days_ago: int) -> str:
    """Make the table of a day's events, and return its name."""
    day = (await query(urls.owner, "select now()")).date() - timedelta(days=days_ago)
    await query(
        urls.owner,
        f"create table events_{day:%Y%m%d} partition of events "
        f"for values from ('{day} 00:00+00') to ('{day + timedelta(days=1)} 00:00+00')",
    )
    return f"events_{day:%Y%m%d}"


@pytest.mark.parametrize("is_whole_day", [False, True])
async def test_event_that_is_told_late_and_goes_hides_none_that_is_kept(
    world: World, tails: Tails, urls: DatabaseUrls, *, is_whole_day: bool
) -> None:
    days = 200
    if is_whole_day:
        await make_day(urls, days_ago=days)
    await publish(world.database, world.tenant, "kept")
    at_kept = (await first(events_of(tails, world))).cursor
    world.shift.by = -timedelta(days=days)
    await publish(world.database, world.tenant, "late")
    world.shift.by = timedelta()
    await publish(world.database, world.tenant, "new")
    await retention.run_once(LoopContext(world.database, world.bus, Timers()))

    fresh = await first(events_of(tails, world))
    behind = await first(events_of(tails, world, at_kept))

    assert (names(fresh), fresh.has_gap) == (["kept", "new"], False)
    assert (names(behind), behind.has_gap) == (["new"], False)


async def test_cursor_of_a_dropped_day_has_a_gap(
    world: World, tails: Tails, urls: DatabaseUrls
) -> None:
    day = await make_day(urls, days_ago=200)
    world.shift.by = -timedelta(days=200)
    await publish(world.database, world.tenant, "a")
    at_a = (await first(events_of(tails, world))).cursor
    await publish(world.database, world.tenant, "b")
    at_b = (await first(events_of(tails, world, at_a))).cursor
    world.shift.by = timedelta()
    await publish(world.database, world.tenant, "c")

    await retention.run_once(LoopContext(world.database, world.bus, Timers()))
    behind = await first(events_of(tails, world, at_a))
    level = await first(events_of(tails, world, at_b))

    assert await query(urls.owner, f"select to_regclass('{day}')") is None
    assert (names(behind), behind.has_gap) == (["c"], True)
    assert (names(level), level.has_gap) == (["c"], False)


async def test_cursor_of_another_history_starts_over(
    world: World, tails: Tails, urls: DatabaseUrls
) -> None:
    lease = await world.started()
    await append(world, lease.run_id, "hello")
    await publish(world.database, world.tenant, "a")
    streams = all_of(tails, world, lease.run_id)
    seen: list[Any] = [await first(stream(None)) for stream in streams]

    await query(urls.owner, "update control_plane set generation = gen_random_uuid()")
    again: list[Any] = [
        await first(stream(batch.cursor)) for stream, batch in zip(streams, seen, strict=True)
    ]

    assert [batch.has_gap for batch in seen] == [False] * 3
    assert [replace(batch, cursor="") for batch in again] == [
        replace(batch, cursor="", has_gap=True) for batch in seen
    ]


async def test_cursor_from_the_future_is_refused(
    world: World, tails: Tails, urls: DatabaseUrls
) -> None:
    lease = await world.started()
    timeline = await query(urls.owner, "select generation from control_plane")
    run_id, workspace_id = lease.run_id, world.tenant.workspace_id
    named = ((f"events:{workspace_id}", 1), (f"log:{run_id}", 1), (f"run:{run_id}", 2))

    for (of, lanes), stream in zip(named, all_of(tails, world, run_id), strict=True):
        for position in ((10_000,) * lanes, (-1,) * lanes, (1, 1, 1)):
            with pytest.raises(InvalidCursor):
                await first(stream(show_cursor(position, of=of, timeline=timeline)))


async def test_cursor_of_the_list_of_lines_leads_behind_its_line(
    world: World, tails: Tails
) -> None:
    run_id, other_id = (await world.started()).run_id, (await world.started()).run_id
    await append(world, run_id, "one", "two", "three")

    found = await first(log_of(tails, world, run_id, encode_cursor((2,), of=log_list(run_id))))

    assert [line.message for line in found.lines] == ["three"]
    assert not found.has_gap
    for wrong in (
        encode_cursor((4,), of=log_list(run_id)),
        encode_cursor((2,), of=log_list(other_id)),
    ):
        with pytest.raises(InvalidCursor):
            await first(log_of(tails, world, run_id, wrong))


async def test_lines_that_are_gone_leave_a_gap(
    world: World, tails: Tails, urls: DatabaseUrls
) -> None:
    lease = await world.started()
    await append(world, lease.run_id, "a", "b", "c")
    at_c = (await first(log_of(tails, world, lease.run_id))).cursor
    await query(urls.owner, "delete from logs where sequence < 3")

    fresh = await first(log_of(tails, world, lease.run_id))
    level = await first(log_of(tails, world, lease.run_id, at_c))

    assert ([line.message for line in fresh.lines], fresh.has_gap) == (["c"], True)
    assert (level.lines, level.has_gap) == ((), False)


async def test_log_that_is_gone_altogether_is_a_gap_and_no_wait(
    world: World, tails: Tails, urls: DatabaseUrls
) -> None:
    lease = await world.started()
    await append(world, lease.run_id, "a")
    await world.propose(lease, StateType.COMPLETED)
    await query(urls.owner, "delete from logs")
    await query(urls.owner, "delete from states")
    world.shift.by = timedelta(seconds=5)

    log = await first(log_of(tails, world, lease.run_id))
    update = await first(updates_of(tails, world, lease.run_id))

    assert (log.lines, log.has_gap, log.has_ended) == ((), True, True)
    assert (update.states, update.has_gap, update.is_caught_up) == ((), True, True)


async def test_large_lines_come_in_batches_of_bounded_size(world: World, tails: Tails) -> None:
    lease = await world.started()
    await append(world, lease.run_id, *["x" * 60_000] * 10)
    sizes: list[int] = []
    cursors: list[str] = []
    async with aclosing(log_of(tails, world, lease.run_id)) as batches:
        async for batch in batches:
            sizes.append(len(batch.lines))
            cursors.append(batch.cursor)
            if batch.is_caught_up:
                break

    resumed = await first(log_of(tails, world, lease.run_id, cursors[0]))

    assert sizes == [4, 4, 2]
    assert [line.sequence for line in resumed.lines] == [5, 6, 7, 8]


async def test_large_states_and_task_runs_come_in_updates_of_bounded_size(
    world: World, tails: Tails, urls: DatabaseUrls
) -> None:
    lease = await world.started()
    await query(urls.owner, "update flow_runs set state_sequence = 12")
    await query(
        urls.owner,
        "insert into states (workspace_id, flow_run_id, sequence, type, name, timestamp, details, "
        "actor_kind, actor_name) select workspace_id, flow_run_id, 3 + n, type, name, timestamp, "
        "jsonb_build_object('text', repeat('x', 100000)), actor_kind, actor_name "
        "from states, generate_series(1, 9) n where sequence = 3",
    )
    said = ["RUNNING", "Running", 2_500_000, "x" * 10_000]
    async with world.work() as work:
        await task_runs.sync_task_runs(
            work, flow_run_id=lease.run_id, lease=lease, batch=batch(*[[said] * 10] * 8)
        )
    updates: list[RunUpdate] = []
    async with aclosing(updates_of(tails, world, lease.run_id)) as stream:
        async for update in stream:
            updates.append(update)
            if update.is_caught_up:
                break

    assert [state.sequence for each in updates for state in each.states] == list(range(1, 13))
    assert len({row.id for each in updates for row in each.task_runs}) == 8
    for each in updates:
        size = sum(len(str(state.details)) for state in each.states)
        assert size + sum(len(str(row.states)) for row in each.task_runs) <= BYTES_A_BATCH
    for cut_off in updates[:-1]:
        rest = await first(updates_of(tails, world, lease.run_id, cut_off.cursor))
        assert rest.states or rest.task_runs


async def test_many_events_come_in_batches_of_bounded_length(world: World, tails: Tails) -> None:
    await publish(world.database, world.tenant, *[f"event-{number}" for number in range(250)])
    batches: list[EventBatch] = []
    async with aclosing(events_of(tails, world)) as stream:
        async for batch in stream:
            batches.append(batch)
            if batch.is_caught_up:
                break

    resumed = await first(events_of(tails, world, batches[0].cursor))

    assert [len(batch.events) for batch in batches] == [100, 100, 50]
    assert [name for batch in batches for name in names(batch)] == [
        f"event-{number}" for number in range(250)
    ]
    assert names(resumed)[0] == "event-100"


async def test_followers_of_a_workspace_share_one_read(
    world: World, tails: Tails, statements: list[str]
) -> None:
    async with following(tails, world) as one, following(tails, world) as other:
        assert len(tails.topics) == 1
        await write_events(world.database, world.tenant, "a")
        statements.clear()
        async with world.database.system() as work:
            await publish_events(work)
        async with asyncio.timeout(5):
            batches = [await anext(stream) for stream in (one, other)]

    assert [names(batch) for batch in batches] == [["a"], ["a"]]
    assert sum("FROM events" in statement for statement in statements) == 1


@asynccontextmanager
async def following(tails: Tails, world: World) -> AsyncGenerator[AsyncGenerator[EventBatch]]:
    async with aclosing(events_of(tails, world)) as stream:
        assert (await anext(stream)).is_caught_up
        yield stream


async def test_stream_of_a_workspace_of_others_is_not_found(world: World, tails: Tails) -> None:
    for workspace_id in (new_id(), new_id()):
        stream = tails.workspace_events(
            world.tenant.owner,
            workspace_id,
            after=None,
            is_from_oldest=True,
            patterns=EVERY_EVENT,
        )
        with pytest.raises(NotFound):
            await first(stream)
