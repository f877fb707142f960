"""What can be followed: the changes of a run, its log, and the events of a workspace."""

from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.dispatch.cursors import check_reached, read_cursor
from headgate_server.dispatch.topics import BYTES_A_READ, Chunk, Position, Row
from headgate_server.domain.errors import InvalidCursor
from headgate_server.domain.events import EVERY_EVENT, Event, EventPatterns
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.logs import LogFilter, LogLine, log_list
from headgate_server.domain.pagination import Portion, decode_cursor
from headgate_server.domain.states import State
from headgate_server.domain.task_runs import TaskRun
from headgate_server.domain.tenancy import Principal
from headgate_server.services import events, logs, task_runs
from headgate_server.services.flow_runs import read

OWN_ROWS_A_READ = 500
LAST_LINES_WAIT = timedelta(seconds=1)
"""So long after a run's end its log is followed: what its process printed comes from the agent."""
STATE, TASK = 0, 1
EVERY_LINE = LogFilter()

N = TypeVar("N", Event, LogLine)
"""What has a sequence of its own."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a follower begins: its position, the history, and whether rows before it are gone."""

    position: Position
    timeline: UUID
    has_gap: bool


@dataclass(frozen=True, slots=True)
class Place:
    """One tenant's view of the database."""

    database: Database
    principal: Principal
    workspace_id: UUID

    @property
    def tenant(self) -> Hashable:
        """Return what rows depend on: whoever may read here at all reads the same."""
        return self.principal.organization_id, self.workspace_id

    def work(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a unit of work."""
        return self.database.tenant(self.principal, self.workspace_id)


def _begin(after: str | None, *, of: str, timeline: UUID, last: Position) -> tuple[Position, bool]:
    """Return where a run's stream begins, and whether its cursor is of another history."""
    beginning = (0,) * len(last)
    if after is None:
        return beginning, False
    position = read_cursor(after, of=of, timeline=timeline, lanes=len(last))
    if position is None:
        return beginning, True
    return check_reached(position, last=last), False


def _listed(after: str | None, *, of: str) -> Position | None:
    """Return the place that a cursor of a run's list of lines names; None for any other cursor."""
    if after is None:
        return None
    try:
        return decode_cursor(after, of=of, types=tuple[int])
    except InvalidCursor:
        return None


def _rows(found: Portion[N]) -> tuple[Row[N], ...]:
    sized = zip(found.rows, found.sizes, strict=True)
    return tuple(Row(value.sequence, value, size=size) for value, size in sized)


@dataclass(frozen=True, slots=True)
class RunSource:
    """The states of a run and the changes of its task runs, in a lane each."""

    place: Place
    run_id: UUID
    pace_seconds: float = 0.02

    @property
    def name(self) -> str:
        """Return what its cursors are made for."""
        return f"run:{self.run_id}"

    @property
    def topic(self) -> Hashable:
        """Name the topic."""
        return self.place.tenant, self.name

    @property
    def channel(self) -> str:
        """Name what wakes its reader."""
        return channels.run(self.run_id)

    async def start(self, after: str | None) -> Start:
        """Return where a cursor leads.

        Raises:
            NotFound: no such run in this workspace.
            InvalidCursor: malformed, of another stream, or in the future.
        """
        async with self.place.work() as work:
            run = await read.get_flow_run(work, self.run_id)
            timeline = await events.read_timeline(work)
            last = (run.state_sequence, await task_runs.task_sequence(work, self.run_id))
        position, has_gap = _begin(after, of=self.name, timeline=timeline, last=last)
        return Start(position, timeline, has_gap)

    async def read(self, at: Position, *, most: int) -> Chunk[State | TaskRun, FlowRun]:
        """Return what changed behind a position; changes reported together come together."""
        async with self.place.work() as work:
            run = await read.get_flow_run(work, self.run_id)
            found = await read.list_states_behind(
                work,
                flow_run_id=self.run_id,
                after=at[STATE],
                most=most,
                most_bytes=BYTES_A_READ,
            )
            states = found.rows
            if states and states[-1].sequence > run.state_sequence:
                # It moved on between the two: told with its newest state, it must be in it.
                run = await read.get_flow_run(work, self.run_id)
            changed = await task_runs.list_changed(
                work,
                flow_run_id=self.run_id,
                after=at[TASK],
                most=most,
                most_bytes=BYTES_A_READ,
            )
        is_full = found.has_more or changed.has_more
        reached = states[-1].sequence if states else at[STATE]
        # Where states are gone the run itself still says how many there were.
        end_state = reached if is_full else max(reached, run.state_sequence)
        first = states[0].sequence if states else end_state + 1
        end = (end_state, changed.rows[-1][0] if changed.rows else at[TASK])
        rows: list[Row[State | TaskRun]] = [
            Row(state.sequence, state, size=size)
            for state, size in zip(states, found.sizes, strict=True)
        ]
        rows.extend(
            Row(number, task_run, lane=TASK, size=size)
            for (number, task_run), size in zip(changed.rows, changed.sizes, strict=True)
        )
        return Chunk(
            start=at,
            end=end,
            rows=tuple(rows),
            subject=run,
            is_last=not is_full,
            is_news=end != at,
            has_gap=first > at[STATE] + 1,
        )

    async def read_own(self, at: Position) -> Chunk[State | TaskRun, FlowRun]:
        """Return what changed behind a position."""
        return await self.read(at, most=OWN_ROWS_A_READ)

    def wants(self, value: State | TaskRun) -> bool:
        """Every change is wanted."""
        return True


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Whether the run of a log has ended, and no more lines will come."""

    has_ended: bool


@dataclass(frozen=True, slots=True)
class LogSource:
    """The lines of a run's log."""

    place: Place
    run_id: UUID
    filter_: LogFilter = EVERY_LINE
    pace_seconds: float = 0.1

    @property
    def name(self) -> str:
        """Return what its cursors are made for."""
        return f"log:{self.run_id}"

    @property
    def topic(self) -> Hashable:
        """Name the topic."""
        return self.place.tenant, self.name

    @property
    def channel(self) -> str:
        """Name what wakes its reader."""
        return channels.run(self.run_id)

    async def start(self, after: str | None) -> Start:
        """Return where a cursor leads; one of the run's list of lines does, too.

        Raises:
            NotFound: no such run in this workspace.
            InvalidCursor: malformed, of another stream, or in the future.
        """
        async with self.place.work() as work:
            await read.get_flow_run(work, self.run_id)
            timeline = await events.read_timeline(work)
            last = (await logs.log_sequence(work, self.run_id),)
        listed = _listed(after, of=log_list(self.run_id))
        if listed is not None:
            return Start(check_reached(listed, last=last), timeline, has_gap=False)
        position, has_gap = _begin(after, of=self.name, timeline=timeline, last=last)
        return Start(position, timeline, has_gap)

    async def read(self, at: Position, *, most: int) -> Chunk[LogLine, LogEnd]:
        """Return the lines behind a position."""
        return await self._read(at, most=most, filter_=EVERY_LINE)

    async def read_own(self, at: Position) -> Chunk[LogLine, LogEnd]:
        """Return the lines behind a position that pass the filter."""
        return await self._read(at, most=OWN_ROWS_A_READ, filter_=self.filter_)

    def wants(self, value: LogLine) -> bool:
        """Whether a line passes the filter."""
        return self.filter_.wants(value)

    async def _read(self, at: Position, *, most: int, filter_: LogFilter) -> Chunk[LogLine, LogEnd]:
        (sequence,) = at
        async with self.place.work() as work:
            run = await read.get_flow_run(work, self.run_id)
            now = work.now
            last = await logs.log_sequence(work, self.run_id)
            first = await logs.first_sequence(work, self.run_id, after=sequence)
            found = await logs.list_lines_behind(
                work,
                flow_run_id=self.run_id,
                after=sequence,
                most=most,
                most_bytes=BYTES_A_READ,
                filter_=filter_,
            )
        is_last = not found.has_more
        reached = found.rows[-1].sequence if found.rows else sequence
        ended_for = None if run.ended_at is None else now - run.ended_at
        is_ending = is_last and ended_for is not None and ended_for < LAST_LINES_WAIT
        has_ended = is_last and ended_for is not None and not is_ending
        expected = last if first is None else first - 1
        return Chunk(
            start=at,
            end=(max(reached, last) if is_last else reached,),
            rows=_rows(found),
            subject=LogEnd(has_ended),
            is_last=is_last,
            is_news=bool(found.rows) or has_ended,
            has_gap=expected > sequence,
            again_seconds=LAST_LINES_WAIT.total_seconds() if is_ending else None,
        )


@dataclass(frozen=True, slots=True)
class EventSource:
    """The published events of a workspace."""

    place: Place
    patterns: EventPatterns = EVERY_EVENT
    pace_seconds: float = 0.1

    @property
    def name(self) -> str:
        """Return what its cursors are made for."""
        return f"events:{self.place.workspace_id}"

    @property
    def topic(self) -> Hashable:
        """Name the topic."""
        return self.place.tenant, self.name

    @property
    def channel(self) -> str:
        """Name what wakes its reader."""
        return channels.workspace(self.place.workspace_id)

    async def start(self, after: str | None, *, is_from_oldest: bool) -> Start:
        """Return where a cursor leads; without one, behind the latest event or before the oldest.

        A cursor of another history leads before the oldest.

        Raises:
            NotFound: no such workspace.
            InvalidCursor: malformed, of another stream, or in the future.
        """
        async with self.place.work() as work:
            edges = await events.get_edges(work)
            timeline = await events.read_timeline(work)
        last = (max(edges.last, edges.dropped),)
        if after is None:
            oldest = (edges.dropped,)
            return Start(oldest if is_from_oldest else last, timeline, has_gap=False)
        position = read_cursor(after, of=self.name, timeline=timeline, lanes=1)
        if position is None:
            return Start((0,), timeline, has_gap=True)
        return Start(check_reached(position, last=last), timeline, has_gap=False)

    async def read(self, at: Position, *, most: int) -> Chunk[Event, None]:
        """Return the events behind a position."""
        async with self.place.work() as work:
            found = await events.list_behind(
                work, after=at[0], most=most, most_bytes=BYTES_A_READ, patterns=EVERY_EVENT
            )
        return Chunk(
            start=at,
            end=(found.rows[-1].sequence,) if found.rows else at,
            rows=_rows(found),
            subject=None,
            is_last=not found.has_more,
            is_news=bool(found.rows),
        )

    async def read_own(self, at: Position) -> Chunk[Event, None]:
        """Return the events behind a position that are wanted."""
        async with self.place.work() as work:
            # First the edges, then the rows: what is published in between is among the rows.
            edges = await events.get_edges(work)
            found = await events.list_behind(
                work,
                after=at[0],
                most=OWN_ROWS_A_READ,
                most_bytes=BYTES_A_READ,
                patterns=self.patterns,
            )
        is_last = not found.has_more
        reached = found.rows[-1].sequence if found.rows else at[0]
        return Chunk(
            start=at,
            end=(max(reached, edges.last) if is_last else reached,),
            rows=_rows(found),
            subject=None,
            is_last=is_last,
            is_news=True,
            has_gap=edges.dropped > at[0],
        )

    def wants(self, value: Event) -> bool:
        """Whether an event is wanted."""
        return self.patterns.wants(value)
