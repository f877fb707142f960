"""Turns queued records into the columnar batches of the API, within its limits."""

from collections import deque
from typing import Any

import msgspec

from headgate.reporting.records import LogRow, TaskRun
from headgate.texts import storable

MAX_ROWS = 1000
MAX_CHARACTERS = 1_000_000
"""Of messages in one batch: at three bytes each, still below the server's 4 MiB for a body."""

MAX_MESSAGE_CHARACTERS = 64_000
_CUT = "… (cut at 64,000 characters)"


class TaskBatch(msgspec.Struct, tag="tasks"):
    """Task runs to sync; the id makes a repeated batch recognisable in the server's log."""

    batch_id: str
    columns: dict[str, list[Any]]


class LogBatch(msgspec.Struct, tag="logs"):
    """Log lines to append to a stream."""

    stream_id: str
    offset: int
    columns: dict[str, list[Any]]

    @property
    def count(self) -> int:
        """How many lines it holds."""
        return len(self.columns["message"])


class FinalState(msgspec.Struct, tag="state"):
    """The run's final state, kept on disk when the server stayed away past the run's end."""

    state: dict[str, Any]
    idempotency_key: str


Batch = TaskBatch | LogBatch | FinalState


def take_tasks(queue: deque[TaskRun], *, batch_id: str) -> TaskBatch | None:
    """Take up to a batch of task runs off the queue; None when it is empty.

    A run's mark is cleared before its states are read: one that changes meanwhile is queued
    again, and the longer list wins at the server.
    """
    runs: list[TaskRun] = []
    characters = 0
    while queue and len(runs) < MAX_ROWS and characters < MAX_CHARACTERS:
        run = queue.popleft()
        run.is_queued = False
        runs.append(run)
        characters += sum(len(row[3]) for row in run.states if row[3])
    if not runs:
        return None
    columns: dict[str, list[Any]] = {
        "id": [run.id for run in runs],
        "taskKey": [run.task_key for run in runs],
        "name": [run.name for run in runs],
        "mapIndex": [run.map_index for run in runs],
        "tags": [sorted(run.tags) for run in runs],
        "cacheKey": [run.cache_key for run in runs],
        "attempt": [run.attempt for run in runs],
        "parents": [run.parents for run in runs],
        "states": [list(run.states) for run in runs],
    }
    return TaskBatch(batch_id=batch_id, columns=columns)


def take_logs(queue: deque[LogRow], *, stream_id: str, offset: int) -> LogBatch | None:
    """Take up to a batch of lines off the queue; None when it is empty."""
    rows: list[LogRow] = []
    characters = 0
    while queue and len(rows) < MAX_ROWS and characters < MAX_CHARACTERS:
        row = queue.popleft()
        rows.append(row)
        characters += len(row[3])
    if not rows:
        return None
    timestamps, levels, loggers, messages, task_runs = (
        list(column) for column in zip(*rows, strict=True)
    )
    columns: dict[str, list[Any]] = {
        "timestamp": timestamps,
        "level": levels,
        "logger": loggers,
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
