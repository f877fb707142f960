"""What a run reports: task runs with their states, log lines, and the answer to a proposal."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from headgate.clock import now_us
from headgate.ids import make_id
from headgate.states import Completed, State, StateType
from headgate.texts import cut, text_of

MAX_STATES = 200
"""What the server keeps of one task run."""
_RESERVED_STATES = 8

MAX_DETAIL_CHARACTERS = 8_000

StateRow = tuple[str, str, int, str | None]
"""Type, name, microseconds, message."""

LogRow = tuple[int, int, str, str, str | None]
"""Microseconds, level, logger, message, task run."""

UNSET_STATE: State[Any] = Completed(message="not started", name="Unset")


class TaskRun:
    """One run of a task: its identity, what it is in, and all it was in so far.

    Names, keys and tags are the user's own here; a report cuts and scrubs them.

    Args:
        states: the whole list, oldest first; a report carries all of it, so any may be lost.
        is_queued: waits to be sent; further states travel with the same record.
    """

    __slots__ = (
        "attempt",
        "cache_key",
        "flow_run_id",
        "id",
        "is_queued",
        "map_index",
        "name",
        "parents",
        "state",
        "states",
        "tags",
        "task_key",
    )

    def __init__(
        self,
        *,
        task_key: str,
        name: str,
        flow_run_id: str | None = None,
        map_index: int | None = None,
        tags: frozenset[str] = frozenset(),
        parents: list[str] | None = None,
    ) -> None:
        self.id = make_id("trun")
        self.task_key = task_key
        self.name = name
        self.flow_run_id = flow_run_id
        self.map_index = map_index
        self.tags = tags
        self.cache_key: str | None = None
        self.attempt = 0
        self.parents = parents or []
        self.state: State[Any] = UNSET_STATE
        self.states: list[StateRow] = []
        self.is_queued = False

    @property
    def run_count(self) -> int:
        """How many attempts were started."""
        return self.attempt

    @property
    def state_name(self) -> str:
        """The name of the state it is in."""
        return self.state.name

    @property
    def state_type(self) -> StateType:
        """The type of the state it is in."""
        return self.state.type

    @property
    def expected_start_time(self) -> datetime | None:
        """When it was called, aware, in UTC."""
        return _instant(self.states[0][2]) if self.states else None

    @property
    def start_time(self) -> datetime | None:
        """When its first attempt began, aware, in UTC; None while none has."""
        at_us = self._started_us
        return None if at_us is None else _instant(at_us)

    @property
    def end_time(self) -> datetime | None:
        """When it ended, aware, in UTC; None while it has not."""
        return self.state.timestamp if self.states and self.state.is_final() else None

    @property
    def total_run_time(self) -> timedelta:
        """How long it has run, or ran, retries and the waits for them included."""
        at_us = self._started_us
        if at_us is None:
            return timedelta()
        until_us = self.state.timestamp_us if self.state.is_final() else now_us()
        return timedelta(microseconds=max(0, until_us - at_us))

    @property
    def _started_us(self) -> int | None:
        running = StateType.RUNNING.value
        return next((at_us for type_, _, at_us, _ in self.states if type_ == running), None)

    def enter(self, state: State[Any], *, message: str | None = None) -> None:
        """Add a state to the list; when it is nearly full, only final ones.

        Args:
            message: what to report instead of the state's own message.
        """
        self.state = state
        state.belong_to(flow_run_id=self.flow_run_id, task_run_id=self.id, key=self.cache_key)
        if len(self.states) >= MAX_STATES - _RESERVED_STATES and not state.is_final():
            return
        text = state.message if message is None else message
        if text is not None:
            text = cut(text_of(text), limit=MAX_DETAIL_CHARACTERS)
        self.states.append((state.type.value, state.name, state.timestamp_us, text))


def _instant(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1_000_000, tz=UTC)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a proposed state.

    Args:
        state: what the run is in now, whether or not the proposal was accepted.
    """

    accepted: bool
    state: State[Any]
    reason: str | None = None


class RunRecorder(Protocol):
    """Where a flow run's engine reports; one for local mode and one for a server."""

    @property
    def flow_run_id(self) -> str:
        """The run's id."""
        ...

    @property
    def is_reporting(self) -> bool:
        """Whether a server hears of the run."""
        ...

    def record_task(self, run: TaskRun) -> None:
        """Take note that a task run changed; returns at once unless the queue is full."""
        ...

    def report(self, report: Any) -> None:
        """Take an artifact or the like; returns at once unless the queue is full."""
        ...

    def drops_log(self, level: int) -> bool:
        """Whether a line of this level would be left out now; counts it if so."""
        ...

    def append_log(
        self,
        *,
        timestamp_us: int,
        level: int,
        logger: str,
        message: str,
        task_run_id: str | None,
    ) -> None:
        """Take one log line; returns at once unless the queue is full and no rate is set."""
        ...
