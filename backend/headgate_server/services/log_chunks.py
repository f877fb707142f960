"""Noting which words the logs hold, beside the lines themselves, for those who search."""

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories import log_chunks

LINES_AT_ONCE = 5_000
"""So many lines of a run are noted in one transaction."""


async def chunk_next(work: UnitOfWork) -> int:
    """Note the words of the run whose lines are due longest; how many lines, 0 where none is.

    One at a time, in the whole installation; whoever appends meanwhile does not wait.
    """
    run = await log_chunks.find_unchunked(work)
    if run is None:
        return 0
    last = min(run.last, run.after + LINES_AT_ONCE)
    await log_chunks.chunk_lines(work, run, last=last)
    return max(last - run.after, 1)
