"""Log lines of flow runs, addressed by stream and offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headgate_server.domain import ids
from headgate_server.domain.clock import is_instant
from headgate_server.domain.documents import Count
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.pagination import fingerprint

MAX_BATCH = 1000
MAX_MESSAGE_LENGTH = 64_000
MAX_LOGGER_LENGTH = 200
WARNING = 30
CHARACTERS_OF_A_LINE = 1000
"""A longer line counts as several where lines are paced."""
RESERVE = 100
"""One in so many lines more of a run's log is kept for WARNING and above."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line; ``sequence`` numbers the lines of a run without a gap, in the order received."""

    flow_run_id: UUID
    sequence: int
    timestamp: datetime
    level: int
    logger: str
    message: str
    task_run_id: UUID | None


def log_list(flow_run_id: UUID) -> str:
    """Return what the cursors of a run's log are made for, whatever it is narrowed to."""
    return fingerprint("logs", flow_run_id)


@dataclass(frozen=True, slots=True)
class LogStream:
    """What one reporting process writes of a run's log."""

    flow_run_id: UUID
    stream_id: UUID


class LogBatch(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Log lines in columns: every array has the same length, 1 to 1,000."""

    timestamp: list[int]
    level: list[Count]
    logger: list[str]
    message: list[str]
    task_run_id: list[str | None]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines of a run are wanted."""

    min_level: int | None = None
    task_run_ids: tuple[UUID, ...] | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, line: LogLine) -> bool:
        """Whether a line is one of them; the same question in SQL is in the repository."""
        return (
            (self.min_level is None or line.level >= self.min_level)
            and (self.task_run_ids is None or line.task_run_id in self.task_run_ids)
            and (not self.text or self.text.lower() in line.message.lower())
            and (self.since is None or line.timestamp >= self.since)
            and (self.until is None or line.timestamp < self.until)
        )


def parse_batch(batch: Any) -> LogBatch:
    """Return a batch checked for shape and size.

    Raises:
        InvalidInput: not the documented columns, unequal lengths, or too much in it.
    """
    try:
        parsed = msgspec.convert(batch, LogBatch)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The batch is malformed: {error}", path=["batch"]) from None
    size = len(parsed.message)
    if not 1 <= size <= MAX_BATCH:
        raise InvalidInput(f"A batch holds 1 to {MAX_BATCH} lines.", path=["batch", "message"])
    for column in parsed.__struct_fields__:
        if len(getattr(parsed, column)) != size:
            raise InvalidInput("All columns have the same length.", path=["batch", column])
    if not all(is_instant(at_us) for at_us in parsed.timestamp):
        raise InvalidInput(
            "A timestamp is in microseconds since 1970 and before the year 10000.",
            path=["batch", "timestamp"],
        )
    if any(len(message) > MAX_MESSAGE_LENGTH for message in parsed.message):
        raise InvalidInput(
            f"A line has at most {MAX_MESSAGE_LENGTH} characters.", path=["batch", "message"]
        )
    if any(len(name) > MAX_LOGGER_LENGTH for name in parsed.logger):
        raise InvalidInput(
            f"A logger's name has at most {MAX_LOGGER_LENGTH} characters.", path=["batch", "logger"]
        )
    return parsed


def weigh(batch: LogBatch) -> int:
    """Return as how many lines a batch counts where lines are paced."""
    return sum(1 + len(message) // CHARACTERS_OF_A_LINE for message in batch.message)


def size_of(batch: LogBatch, rows: Sequence[int]) -> int:
    """Return how long the messages of some lines are, in bytes of UTF-8."""
    return sum(len(batch.message[row].encode(errors="replace")) for row in rows)


def rows_within(levels: Sequence[int], *, skip: int, stored: int, limit: int) -> list[int]:
    """Return the places of the lines behind the first ``skip`` that a run's log still has room for.

    Lines below WARNING fill it up to the limit; those from WARNING on a little beyond.

    Args:
        levels: of all lines, in order.
        skip: how many of them are known already.
        stored: how many lines the log holds.
        limit: of the log; 0 does not limit.
    """
    if limit <= 0 or stored + len(levels) - skip <= limit:
        return list(range(skip, len(levels)))
    kept: list[int] = []
    for place in range(skip, len(levels)):
        most = limit if levels[place] < WARNING else limit + max(limit // RESERVE, 1)
        if stored + len(kept) < most:
            kept.append(place)
    return kept


def task_run_ids_of(batch: LogBatch) -> list[UUID | None]:
    """Return the task run of each line.

    Raises:
        InvalidInput: something that is not the id of a task run.
    """
    kind = ids.Kind.TASK_RUN
    known: dict[str, UUID] = {}
    found: list[UUID | None] = []
    for shown in batch.task_run_id:
        if shown is None:
            found.append(None)
            continue
        if shown not in known:
            known[shown] = ids.parse(shown, kind=kind)
        found.append(known[shown])
    return found
