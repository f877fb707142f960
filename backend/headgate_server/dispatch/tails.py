"""Follows a run, its log, or the events of a workspace, from a cursor on and without a hole."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Generic, TypeVar
from uuid import UUID

from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.dispatch.background_tasks import BackgroundTasks
from headgate_server.dispatch.cursors import show_cursor
from headgate_server.dispatch.sources import (
    EventSource,
    LogEnd,
    LogSource,
    Place,
    RunSource,
    Start,
)
from headgate_server.dispatch.topics import Chunk, Position, Source, Topics
from headgate_server.dispatch.waits import Waits
from headgate_server.domain.events import Event, EventPatterns
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.logs import LogFilter, LogLine
from headgate_server.domain.states import State
from headgate_server.domain.task_runs import TaskRun
from headgate_server.domain.tenancy import Principal
from headgate_server.settings import Timers

BYTES_A_BATCH = 256 * 1024
"""A batch is no larger, but for a single row: one frame of it waits for each client that does not
read, and while it is made nothing else runs."""
EVENTS_A_BATCH = 100
CURSOR_SECONDS = 30.0
"""So often a stream whose filter lets nothing through tells how far it has come."""

R = TypeVar("R")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class RunUpdate:
    """What changed in a run since the cursor before."""

    cursor: str
    run: FlowRun
    states: tuple[State, ...]
    task_runs: tuple[TaskRun, ...]
    is_caught_up: bool
    has_gap: bool


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Lines behind the cursor before; ``has_ended`` when the run has and no more will come."""

    cursor: str
    lines: tuple[LogLine, ...]
    is_caught_up: bool
    has_gap: bool
    has_ended: bool


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events behind the cursor before."""

    cursor: str
    events: tuple[Event, ...]
    is_caught_up: bool
    has_gap: bool


class Tails:
    """Opens tails over one database and one bus; those of one topic share its reader."""

    def __init__(self, *, database: Database, bus: Bus, timers: Timers) -> None:
        self.topics = Topics(bus=bus, timers=timers)
        self.waits = Waits(database=database, bus=bus, timers=timers, topics=self.topics)
        self.background_tasks = BackgroundTasks(
            database=database, bus=bus, timers=timers, topics=self.topics
        )
        self._database = database

    async def stop(self) -> None:
        """Wait for the reads that are under way."""
        await self.topics.stop()

    async def run_updates(
        self, principal: Principal, workspace_id: UUID, *, run_id: UUID, after: str | None
    ) -> AsyncGenerator[RunUpdate]:
        """Yield the run as it is, then each change, from ``after`` on; ends when the run has.

        Raises:
            NotFound: no such run in this workspace.
            InvalidCursor: malformed, of another run or stream, or in the future.
        """
        source = RunSource(self._place(principal, workspace_id), run_id)
        start = await self.topics.read(source.start(after))
        async with aclosing(self._follow(source, start)) as chunks:
            async for chunk in chunks:
                for update in _run_updates(chunk, of=source.name, timeline=start.timeline):
                    yield update
                if chunk.is_last and chunk.subject.is_terminal:
                    return

    async def log_tail(
        self,
        principal: Principal,
        workspace_id: UUID,
        *,
        run_id: UUID,
        after: str | None,
        filter_: LogFilter,
    ) -> AsyncGenerator[LogBatch]:
        """Yield the lines behind ``after``, then new ones as they come; ends when the run has.

        Raises:
            NotFound: no such run in this workspace.
            InvalidCursor: malformed, of another run or stream, or in the future.
        """
        source = LogSource(self._place(principal, workspace_id), run_id, filter_)
        start = await self.topics.read(source.start(after))
        is_told = False
        async with aclosing(self._follow(source, start)) as chunks:
            async for chunk in chunks:
                has_ended = chunk.is_last and chunk.subject.has_ended
                is_untold = chunk.is_last and not is_told
                if not (chunk.rows or chunk.has_gap or has_ended or is_untold):
                    continue
                is_told = chunk.is_last
                for batch in _log_batches(chunk, of=source.name, timeline=start.timeline):
                    yield batch
                if has_ended:
                    return

    async def workspace_events(
        self,
        principal: Principal,
        workspace_id: UUID,
        *,
        after: str | None,
        is_from_oldest: bool,
        patterns: EventPatterns,
    ) -> AsyncGenerator[EventBatch]:
        """Yield where the stream stands, then events as they are published; it does not end.

        Args:
            principal: the caller.
            workspace_id: whose events.
            after: the cursor to go on from.
            is_from_oldest: begin with the oldest event that is kept where there is no cursor.
            patterns: which events are wanted.

        Raises:
            NotFound: no such workspace.
            InvalidCursor: malformed, of another stream, or in the future.
        """
        source = EventSource(self._place(principal, workspace_id), patterns)
        start = await self.topics.read(source.start(after, is_from_oldest=is_from_oldest))
        clock = asyncio.get_running_loop().time
        is_told, told_at = False, clock()
        async with aclosing(self._follow(source, start)) as chunks:
            async for chunk in chunks:
                is_due = clock() - told_at >= CURSOR_SECONDS
                is_untold = chunk.is_last and not is_told
                if not (chunk.rows or chunk.has_gap or is_due or is_untold):
                    continue
                is_told, told_at = chunk.is_last, clock()
                for batch in _event_batches(chunk, of=source.name, timeline=start.timeline):
                    yield batch

    def _place(self, principal: Principal, workspace_id: UUID) -> Place:
        return Place(self._database, principal, workspace_id)

    async def _follow(self, source: Source[R, S], start: Start) -> AsyncGenerator[Chunk[R, S]]:
        """Yield what a follower wants, in order and each row once; ``is_last`` where that is all.

        It reads by itself until the topic's reader goes on from there, and again whenever it took
        so long over a chunk that the reader's rows found no room.
        """
        at, has_gap = start.position, start.has_gap
        async with self.topics.follow(source) as follower:
            while True:
                follower.begin()
                is_settled = False
                while not is_settled:
                    own = await self.topics.read(source.read_own(at))
                    at = own.end
                    is_settled = own.is_last and follower.settle(at)
                    if own.is_last and not is_settled:
                        follower.begin()
                    yield replace(own, is_last=is_settled, has_gap=own.has_gap or has_gap)
                    has_gap = False
                while (shared := await follower.next(at)) is not None:
                    at = shared.end
                    wanted = tuple(row for row in shared.rows if source.wants(row.value))
                    yield replace(shared, rows=wanted)


def _run_updates(
    chunk: Chunk[State | TaskRun, FlowRun], *, of: str, timeline: UUID
) -> Iterator[RunUpdate]:
    """Yield a chunk in updates of bounded size; only the last one says whether that is all."""
    for piece in _pieces(chunk):
        yield RunUpdate(
            cursor=show_cursor(piece.end, of=of, timeline=timeline),
            run=chunk.subject,
            states=tuple(value for value in piece.values if isinstance(value, State)),
            task_runs=tuple(value for value in piece.values if isinstance(value, TaskRun)),
            is_caught_up=chunk.is_last and piece.is_last,
            has_gap=chunk.has_gap and piece.is_first,
        )


def _event_batches(chunk: Chunk[Event, None], *, of: str, timeline: UUID) -> Iterator[EventBatch]:
    """Yield a chunk in batches of bounded size; only the last one says whether that is all."""
    for piece in _pieces(chunk, most=EVENTS_A_BATCH):
        yield EventBatch(
            cursor=show_cursor(piece.end, of=of, timeline=timeline),
            events=piece.values,
            is_caught_up=chunk.is_last and piece.is_last,
            has_gap=chunk.has_gap and piece.is_first,
        )


def _log_batches(chunk: Chunk[LogLine, LogEnd], *, of: str, timeline: UUID) -> Iterator[LogBatch]:
    """Yield a chunk in batches of bounded size; only the last one says how the log goes on."""
    for piece in _pieces(chunk):
        yield LogBatch(
            cursor=show_cursor(piece.end, of=of, timeline=timeline),
            lines=piece.values,
            is_caught_up=chunk.is_last and piece.is_last,
            has_gap=chunk.has_gap and piece.is_first,
            has_ended=chunk.is_last and chunk.subject.has_ended and piece.is_last,
        )


@dataclass(frozen=True, slots=True)
class _Piece(Generic[R]):
    values: tuple[R, ...]
    end: Position
    is_first: bool
    is_last: bool


def _pieces(chunk: Chunk[R, S], *, most: int | None = None) -> Iterator[_Piece[R]]:
    """Yield the values of a chunk in pieces of bounded size and length; at least one."""
    ends = [0]
    size = 0
    for place, row in enumerate(chunk.rows):
        length = place - ends[-1]
        if length and (size + row.size > BYTES_A_BATCH or length == most):
            ends.append(place)
            size = 0
        size += row.size
    for first, end in pairwise([*ends, len(chunk.rows)]):
        yield _Piece(
            tuple(row.value for row in chunk.rows[first:end]),
            end=_reached(chunk, end),
            is_first=first == 0,
            is_last=end == len(chunk.rows),
        )


def _reached(chunk: Chunk[R, S], end: int) -> Position:
    """Return the position behind the first ``end`` rows.

    Rows that share a number are not behind it before the last of them: who is cut off among them
    gets them all again.
    """
    if end == len(chunk.rows):
        return chunk.end
    position = list(chunk.start)
    for row, following in zip(chunk.rows[:end], chunk.rows[1:], strict=False):
        if (following.lane, following.number) != (row.lane, row.number):
            position[row.lane] = row.number
    return tuple(position)
