"""Follows a run, its log, or the events of a workspace, from a cursor on and without a hole."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.dispatch.cursors import show_cursor
from headgate_server.dispatch.sources import (
    EventSource,
    LogEnd,
    LogSource,
    Place,
    RunSource,
    Start,
)
from headgate_server.dispatch.topics import Chunk, Source, Topics
from headgate_server.dispatch.waits import Waits
from headgate_server.domain.events import Event, EventPatterns
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.logs import LogFilter, LogLine
from headgate_server.domain.states import State
from headgate_server.domain.task_runs import TaskRun
from headgate_server.domain.tenancy import Principal
from headgate_server.settings import Timers

CHARACTERS_A_BATCH = 256 * 1024
"""A batch of lines is no larger, but for a single line: what one send holds is bounded."""
EVENTS_A_BATCH = 100
"""So is a batch of events: one frame of it waits for each client that does not read."""
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
                yield RunUpdate(
                    cursor=show_cursor(chunk.end, of=source.name, timeline=start.timeline),
                    run=chunk.subject,
                    states=tuple(row.value for row in chunk.rows if isinstance(row.value, State)),
                    task_runs=tuple(
                        row.value for row in chunk.rows if isinstance(row.value, TaskRun)
                    ),
                    is_caught_up=chunk.is_last,
                    has_gap=chunk.has_gap,
                )
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


def _event_batches(chunk: Chunk[Event, None], *, of: str, timeline: UUID) -> Iterator[EventBatch]:
    """Yield a chunk in batches of bounded length; only the last one says whether that is all."""
    events = [row.value for row in chunk.rows]
    for first in range(0, max(1, len(events)), EVENTS_A_BATCH):
        piece = events[first : first + EVENTS_A_BATCH]
        is_last = first + EVENTS_A_BATCH >= len(events)
        end = chunk.end if is_last else (piece[-1].sequence,)
        yield EventBatch(
            cursor=show_cursor(end, of=of, timeline=timeline),
            events=tuple(piece),
            is_caught_up=chunk.is_last and is_last,
            has_gap=chunk.has_gap and first == 0,
        )


def _log_batches(chunk: Chunk[LogLine, LogEnd], *, of: str, timeline: UUID) -> Iterator[LogBatch]:
    """Yield a chunk in batches of bounded size; only the last one says how the log goes on."""
    lines = [row.value for row in chunk.rows]
    pieces = list(_pieces(lines)) or [lines]
    for number, piece in enumerate(pieces, start=1):
        is_last = number == len(pieces)
        end = chunk.end if is_last else (piece[-1].sequence,)
        yield LogBatch(
            cursor=show_cursor(end, of=of, timeline=timeline),
            lines=tuple(piece),
            is_caught_up=chunk.is_last and is_last,
            has_gap=chunk.has_gap and number == 1,
            has_ended=chunk.is_last and chunk.subject.has_ended and is_last,
        )


def _pieces(lines: Sequence[LogLine]) -> Iterator[list[LogLine]]:
    piece: list[LogLine] = []
    size = 0
    for line in lines:
        if piece and size + len(line.message) > CHARACTERS_A_BATCH:
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line.message)
    if piece:
        yield piece
