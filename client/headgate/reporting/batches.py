"""Turns queued records into the columnar batches of the API, within its limits."""

from collections import deque
from typing import Any

import msgspec

from headgate.reporting.records import LogRow, StateRow, TaskRun
from headgate.states import TERMINAL_TYPES
from headgate.texts import (
    MAX_KEY,
    MAX_LOGGER_NAME,
    MAX_STATE_NAME,
    MAX_TASK_RUN_NAME,
    cut,
    label,
    storable,
    storable_json,
    tag_labels,
)

MAX_ROWS = 1000
MAX_BYTES = 512 * 1024
"""Of rows in one batch as they are sent, but for the last one: half of what every server takes."""
_LINE_BYTES = 120
"""Of a line beside its message: time, level, logger, task run."""

MAX_EVENTS = 100
MAX_EVENT_BYTES = 512 * 1024
"""Of events in one batch: half of what the server takes for a body."""

MAX_MESSAGE_CHARACTERS = 64_000
_CUT = "… (cut at 64,000 characters)"
_MAX_COUNT = 2**31 - 1
"""What the API shows as an Int."""


class TaskBatch(msgspec.Struct, tag="tasks"):
    """Task runs to sync; the id makes a repeated batch recognisable in the server's log."""

    batch_id: str
    columns: dict[str, list[Any]]

    def halves(self) -> "list[TaskBatch]":
        """Return the batch in two, or alone where it has one row."""
        ids = (f"{self.batch_id}-1", f"{self.batch_id}-2")
        return [TaskBatch(id_, half) for id_, half in zip(ids, _halved(self.columns), strict=False)]


class LogBatch(msgspec.Struct, tag="logs"):
    """Log lines to append to a stream."""

    stream_id: str
    offset: int
    columns: dict[str, list[Any]]

    @property
    def count(self) -> int:
        """How many lines it holds."""
        return len(self.columns["message"])

    def halves(self) -> "list[LogBatch]":
        """Return the batch in two, or alone where it has one line."""
        found: list[LogBatch] = []
        offset = self.offset
        for half in _halved(self.columns):
            found.append(LogBatch(self.stream_id, offset, half))
            offset += found[-1].count
        return found


class ArtifactReport(msgspec.Struct, tag="artifact"):
    """An artifact to create or, by its id, to change: as the API takes it."""

    input: dict[str, Any]
    is_update: bool = False


class ProposedState(msgspec.Struct, tag="state"):
    """A state of the run; it goes to disk where the server is away and the run goes on."""

    state: dict[str, Any]
    idempotency_key: str

    @property
    def is_last(self) -> bool:
        """Whether the run ends with it, and nothing of it is told behind it."""
        return self.state["type"] in TERMINAL_TYPES and "retry" not in (self.state["details"] or {})

    def plain(self) -> "ProposedState":
        """Return the same outcome without what a server may refuse: a name of its own, details."""
        type_: str = self.state["type"]
        details: dict[str, Any] = self.state["details"] or {}
        retry = {"retry": details["retry"]} if "retry" in details else None
        state: dict[str, Any] = {**self.state, "name": type_.capitalize(), "details": retry}
        return ProposedState(state, f"{self.idempotency_key}-plain")


class EventReport(msgspec.Struct, tag="events"):
    """Events to emit, each as the API takes it."""

    events: list[dict[str, Any]]


class AssetReport(msgspec.Struct, tag="assets"):
    """What a task has produced: as the API takes it."""

    input: dict[str, Any]


Report = ArtifactReport | EventReport | AssetReport
"""What user code says about a run beside its states and logs."""
Batch = TaskBatch | LogBatch | ProposedState | Report


def name_of(batch: Batch) -> str:
    """Return what a batch is, for people to know what the server does not take."""
    match batch:
        case ArtifactReport(input=input_):
            key = f" {input_['key']!r}" if input_.get("key") else f" {input_.get('id')}"
            return f"the {input_.get('type', 'change of the')} artifact{key}"
        case EventReport(events=events):
            return f"{len(events)} events, of {events[0].get('event')!r} and on"
        case AssetReport():
            return "what was told of an asset"
        case TaskBatch(columns=columns):
            return f"the states of {len(columns['id'])} task runs, of {columns['name'][0]!r} and on"
        case LogBatch():
            return f"{batch.count} log lines"
        case ProposedState(state=state):
            return f"the state {state['name']}"


def masked(report: Report) -> Report:
    """Return what another process reports, with the secrets masked that this one has read."""
    match report:
        case ArtifactReport():
            return ArtifactReport(storable_json(report.input), is_update=report.is_update)
        case EventReport():
            return EventReport(storable_json(report.events))
        case AssetReport():
            return AssetReport(storable_json(report.input))


def take_tasks(queue: deque[TaskRun], *, batch_id: str) -> TaskBatch | None:
    """Take up to a batch of task runs off the queue; None when it is empty.

    A run's mark is cleared before its states are read: one that changes meanwhile is queued
    again, and the longer list wins at the server.
    """
    rows: list[tuple[Any, ...]] = []
    size = 0
    while queue and len(rows) < MAX_ROWS and size < MAX_BYTES:
        run = queue.popleft()
        run.is_queued = False
        rows.append(_task_row(run))
        size += len(msgspec.json.encode(rows[-1]))
    if not rows:
        return None
    columns = {
        name: list(column)
        for name, column in zip(_TASK_COLUMNS, zip(*rows, strict=True), strict=True)
    }
    return TaskBatch(batch_id=batch_id, columns=columns)


_TASK_COLUMNS = (
    "id",
    "taskKey",
    "name",
    "mapIndex",
    "tags",
    "cacheKey",
    "attempt",
    "parents",
    "states",
)


def _task_row(run: TaskRun) -> tuple[Any, ...]:
    return (
        run.id,
        cut(run.task_key, limit=MAX_KEY),
        _task_run_name(run),
        run.map_index,
        tag_labels(run.tags),
        _cache_key(run),
        run.attempt,
        list(run.parents),
        [_state_row(row) for row in list(run.states)],
    )


def _halved(columns: dict[str, list[Any]]) -> list[dict[str, list[Any]]]:
    """Return the rows of columns in two parts; in one where there is one row."""
    count = len(next(iter(columns.values())))
    if count < 2:
        return [columns]
    middle = count // 2
    return [
        {name: column[:middle] for name, column in columns.items()},
        {name: column[middle:] for name, column in columns.items()},
    ]


def _task_run_name(run: TaskRun) -> str:
    return cut(run.name, limit=MAX_TASK_RUN_NAME) or f"run-{run.id[-4:]}"


def _cache_key(run: TaskRun) -> str | None:
    return None if run.cache_key is None else cut(run.cache_key, limit=MAX_KEY)


def _state_row(row: StateRow) -> StateRow:
    type_, name, timestamp_us, message = row
    return type_, label(name, limit=MAX_STATE_NAME), timestamp_us, message


def take_logs(queue: deque[LogRow], *, stream_id: str, offset: int) -> LogBatch | None:
    """Take up to a batch of lines off the queue; None when it is empty."""
    rows: list[LogRow] = []
    size = 0
    while queue and len(rows) < MAX_ROWS and size < MAX_BYTES:
        row = queue.popleft()
        rows.append(row)
        size += len(msgspec.json.encode(row[3])) + _LINE_BYTES
    if not rows:
        return None
    timestamps, levels, loggers, messages, task_runs = (
        list(column) for column in zip(*rows, strict=True)
    )
    columns: dict[str, list[Any]] = {
        "timestamp": timestamps,
        "level": [max(0, min(level, _MAX_COUNT)) for level in levels],
        "logger": [cut(logger, limit=MAX_LOGGER_NAME) for logger in loggers],
        "message": messages,
        "taskRunId": task_runs,
    }
    return LogBatch(stream_id=stream_id, offset=offset, columns=columns)


def cut_message(message: str) -> str:
    """Return a line as the server can take it: encodable, and cut with a word at its end."""
    message = storable(message)
    if len(message) <= MAX_MESSAGE_CHARACTERS:
        return message
    return message[: MAX_MESSAGE_CHARACTERS - len(_CUT)] + _CUT


def take_report(queue: deque[Report]) -> Report | None:
    """Take a report off the queue, events that follow each other as one; None when it is empty."""
    if not queue:
        return None
    first = queue.popleft()
    if not isinstance(first, EventReport):
        return first
    events, size = list(first.events), len(msgspec.json.encode(first))
    while queue and len(events) < MAX_EVENTS and isinstance(follower := queue[0], EventReport):
        size += len(msgspec.json.encode(follower))
        if size > MAX_EVENT_BYTES:
            break
        queue.popleft()
        events += follower.events
    return EventReport(events)
