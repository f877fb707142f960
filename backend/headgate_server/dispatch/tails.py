"""Follows one run: its states and task runs, or its log, from a cursor without a hole."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.domain.errors import InvalidCursor, NotFound
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.logs import LogFilter, LogLine
from headgate_server.domain.pagination import PageRequest, decode_cursor, encode_cursor
from headgate_server.domain.states import State
from headgate_server.domain.task_runs import TaskRun
from headgate_server.domain.tenancy import Principal
from headgate_server.services import logs, task_runs
from headgate_server.services.flow_runs import read
from headgate_server.settings import Timers

STATES_AT_ONCE = 100
TASK_RUNS_AT_ONCE = 500
LINES_AT_ONCE = 500
LAST_LINES_WAIT = timedelta(seconds=1)
"""So long after a run's end its log is followed: what its process printed comes from the agent."""


@dataclass(frozen=True, slots=True)
class RunUpdate:
    """What changed in a run since the cursor before."""

    cursor: str
    run: FlowRun
    states: tuple[State, ...]
    task_runs: tuple[TaskRun, ...]
    is_caught_up: bool


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Lines behind the cursor before; ``has_ended`` when the run has and no more will come.

    ``is_ending`` when the run has ended and lines that its agent still holds may come.
    """

    cursor: str
    lines: tuple[LogLine, ...]
    is_caught_up: bool
    has_gap: bool
    has_ended: bool
    is_ending: bool = False


@dataclass(frozen=True, slots=True)
class _RunPosition:
    state: int
    task: int


class Tails:
    """Opens tails over one database and one bus."""

    def __init__(self, *, database: Database, bus: Bus, timers: Timers) -> None:
        self._database = database
        self._bus = bus
        self._timers = timers

    async def run_updates(
        self, principal: Principal, workspace_id: UUID, *, run_id: UUID, after: str | None
    ) -> AsyncGenerator[RunUpdate]:
        """Yield the run as it is, then each change, from ``after`` on; ends when the run has.

        Raises:
            NotFound: no such run in this workspace.
            InvalidCursor: a cursor of another run or stream.
        """
        of = f"run:{run_id}"
        at = _RunPosition(*_read(after, of=of, size=2))
        is_first = True
        async with self._bus.listen(channels.run(run_id)) as listener:
            while True:
                update, at, is_new = await self._read_run(
                    principal, workspace_id, run_id=run_id, at=at, of=of
                )
                if is_new or is_first:
                    is_first = False
                    yield update
                if update.is_caught_up:
                    if update.run.is_terminal:
                        return
                    await listener.wait(self._sweep_seconds())

    async def _read_run(
        self,
        principal: Principal,
        workspace_id: UUID,
        *,
        run_id: UUID,
        at: _RunPosition,
        of: str,
    ) -> tuple[RunUpdate, _RunPosition, bool]:
        async with self._database.tenant(principal, workspace_id) as work:
            run = (await read.get_many_flow_runs(work, [run_id])).get(run_id)
            if run is None:
                raise NotFound
            states = await read.list_states(
                work, flow_run_id=run_id, after=at.state, most=STATES_AT_ONCE
            )
            changed = await task_runs.list_changed(
                work, flow_run_id=run_id, after=at.task, most=TASK_RUNS_AT_ONCE
            )
        moved = _RunPosition(
            state=states[-1].sequence if states else at.state,
            task=changed[-1][0] if changed else at.task,
        )
        is_full = len(states) >= STATES_AT_ONCE or len(changed) >= TASK_RUNS_AT_ONCE
        update = RunUpdate(
            cursor=encode_cursor((moved.state, moved.task), of=of),
            run=run,
            states=tuple(states),
            task_runs=tuple(task_run for _, task_run in changed),
            is_caught_up=not is_full and moved.state >= run.state_sequence,
        )
        return update, moved, moved != at

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
            InvalidCursor: a cursor of another run or stream.
        """
        of = f"log:{run_id}"
        (sequence,) = _read(after, of=of, size=1)
        is_first = True
        async with self._bus.listen(channels.run(run_id)) as listener:
            while True:
                batch, sequence = await self._read_log(
                    principal, workspace_id, run_id=run_id, sequence=sequence, filter_=filter_
                )
                if batch.lines or is_first or batch.has_ended:
                    is_first = False
                    yield batch
                if batch.has_ended:
                    return
                if batch.is_ending:
                    await listener.wait(LAST_LINES_WAIT.total_seconds())
                elif batch.is_caught_up:
                    await listener.wait(self._sweep_seconds())

    async def _read_log(
        self,
        principal: Principal,
        workspace_id: UUID,
        *,
        run_id: UUID,
        sequence: int,
        filter_: LogFilter,
    ) -> tuple[LogBatch, int]:
        async with self._database.tenant(principal, workspace_id) as work:
            run = (await read.get_many_flow_runs(work, [run_id])).get(run_id)
            if run is None:
                raise NotFound
            now = work.now
            last = await logs.log_sequence(work, run_id)
            page = await logs.list_lines(
                work,
                flow_run_id=run_id,
                page=PageRequest(size=LINES_AT_ONCE, key=(sequence,) if sequence else None),
                filter_=filter_,
            )
        ended_for = now - run.ended_at if run.ended_at is not None else -LAST_LINES_WAIT
        is_caught_up = not page.has_next
        moved = max(last, sequence) if is_caught_up else page.items[-1].sequence
        if page.items:
            moved = max(moved, page.items[-1].sequence)
        batch = LogBatch(
            cursor=encode_cursor((moved,), of=f"log:{run_id}"),
            lines=tuple(page.items),
            is_caught_up=is_caught_up,
            has_gap=False,
            has_ended=is_caught_up and ended_for >= LAST_LINES_WAIT,
            is_ending=is_caught_up and timedelta() <= ended_for < LAST_LINES_WAIT,
        )
        return batch, moved

    def _sweep_seconds(self) -> float:
        timers = self._timers
        if self._bus.is_connected:
            return timers.sweep_seconds
        return timers.sweep_without_redis_seconds


def _read(cursor: str | None, *, of: str, size: int) -> tuple[int, ...]:
    if cursor is None:
        return (0,) * size
    key = decode_cursor(cursor, of=of, types=tuple[int, ...])
    if len(key) != size or any(part < 0 for part in key):
        raise InvalidCursor
    return key
