"""Drops log lines from batches that wait where no room is left for them, and says how many."""

from collections.abc import Iterable, Sequence
from typing import Any

from headgate.reporting.batches import Batch, LogBatch

DEBUG, WARNING, ANY = 10, 30, 2**31
LOGGER = "headgate.reporting"


def thin(
    batches: Sequence[Batch], *, stream_id: str, most_level: int
) -> tuple[list[Batch], int, int]:
    """Leave out the lines up to a level; a line in the place of the first says how many.

    What is left of the lines goes to a stream of its own, so that no offset has a hole before it.

    Returns:
        The batches in order, how many lines were left out, and the offset at the stream's end.
    """
    logs = [batch for batch in batches if isinstance(batch, LogBatch)]
    dropped = [index for batch in logs for index in _dropped(batch, most_level=most_level)]
    if not dropped:
        return list(batches), 0, 0
    message = f"{len(dropped)} log lines were dropped here: the disk was full."
    kept: list[Batch] = []
    offset, is_told = 0, False
    for batch in batches:
        if not isinstance(batch, LogBatch):
            kept.append(batch)
            continue
        gone = set(_dropped(batch, most_level=most_level))
        rows = [row for at, row in enumerate(_rows(batch)) if at not in gone]
        if gone and not is_told:
            first = min(gone)
            told = (batch.columns["timestamp"][first], WARNING, LOGGER, message, None)
            rows.insert(first, told)
            is_told = True
        if rows:
            kept.append(LogBatch(stream_id, offset, _columns(batch, rows)))
            offset += len(rows)
    return kept, len(dropped), offset


def count_lines(batch: Batch, *, most_level: int) -> int:
    """Return how many lines of a batch ``thin`` would leave out."""
    if not isinstance(batch, LogBatch):
        return 0
    return sum(1 for _ in _dropped(batch, most_level=most_level))


def _dropped(batch: LogBatch, *, most_level: int) -> Iterable[int]:
    levels: list[int] = batch.columns["level"]
    loggers: list[str] = batch.columns["logger"]
    for index, level in enumerate(levels):
        if level <= most_level and loggers[index] != LOGGER:
            yield index


def _rows(batch: LogBatch) -> Iterable[tuple[Any, ...]]:
    names = ("timestamp", "level", "logger", "message", "taskRunId")
    return zip(*(batch.columns[name] for name in names), strict=True)


def _columns(batch: LogBatch, rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[at] for row in rows] for at, name in enumerate(batch.columns)}
