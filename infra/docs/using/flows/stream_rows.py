"""Generators: rows go through in batches, and never all of them are in memory at once."""

import itertools
from collections.abc import Generator, Iterable

from headgate import flow, task


@task
def read_rows(count: int) -> Generator[int, None, None]:
    """Yield rows as they are read."""
    yield from range(count)


@task(task_run_name="batch {number}")
def store(number: int, rows: list[int]) -> int:
    """Store one batch."""
    return sum(rows)


def batches(rows: Iterable[int], size: int) -> Generator[list[int], None, None]:
    """Yield lists of rows."""
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


@flow
def stream_rows(count: int = 1000, size: int = 300) -> list[int]:
    """Store all rows, a batch after another."""
    return [store(number, batch) for number, batch in enumerate(batches(read_rows(count), size))]


if __name__ == "__main__":
    stream_rows()
