"""What can be done with log lines: append, and read."""

from dataclasses import dataclass

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import Forbidden, InvalidInput
from headgate_server.domain.logs import LogBatch, LogStream, rows_within, size_of, task_run_ids_of
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories import logs as repository
from headgate_server.repositories.leases.guard import may_log
from headgate_server.services.flow_runs.read import get_flow_run

list_lines = repository.list_lines
list_lines_behind = repository.list_lines_behind
count_lines = repository.count_lines
log_sequence = repository.log_sequence
first_sequence = repository.first_sequence


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the stream stands now; ``is_hole`` says that the batch began beyond it.

    ``dropped`` is how many of its lines the run's log or the organization's quota has no room for,
    ``size_bytes`` how long the messages are that were kept, in UTF-8.
    """

    next_offset: int
    is_hole: bool
    dropped: int = 0
    size_bytes: int = 0


async def append_lines(
    work: UnitOfWork,
    *,
    stream: LogStream,
    offset: int,
    batch: LogBatch,
    grant: RunGrant | None,
    lines_per_run: int = 0,
    has_room: bool = True,
) -> Appended:
    """Append lines at an offset of a stream; lines that came before are dropped, never doubled.

    What has no room is dropped and counted; the stream goes on behind it.

    Args:
        work: the unit of work.
        stream: one reporting process's part of a run's log; its offsets count the lines it sent.
        offset: how many lines of the stream came before this batch.
        batch: lines in columns.
        grant: the run token shown; None for an actor with the right to write logs anywhere.
        lines_per_run: how many lines a run's log holds; 0 does not limit.
        has_room: whether the organization may log at all; else every line is dropped.

    Raises:
        InvalidInput: a task run's id is none, or the offset is negative.
        Forbidden: the token is of another run.
        NotFound: no such run in this workspace.
    """
    await _check(work, stream=stream, offset=offset, grant=grant)
    cursor = await repository.lock_cursor(work, stream)
    if offset > cursor.next_offset:
        return Appended(next_offset=cursor.next_offset, is_hole=True)
    skip = cursor.next_offset - offset
    fresh = max(len(batch.message) - skip, 0)
    levels = batch.level if has_room else []
    rows = rows_within(levels, skip=skip, stored=cursor.next_sequence - 1, limit=lines_per_run)
    if fresh:
        await repository.insert_lines(
            work,
            stream=stream,
            cursor=cursor,
            batch=batch,
            task_run_ids=task_run_ids_of(batch),
            rows=rows,
            count=fresh,
        )
    if rows:
        work.wake(channels.run(stream.flow_run_id))
    end, size = cursor.next_offset + fresh, size_of(batch, rows)
    return Appended(end, is_hole=False, dropped=fresh - len(rows), size_bytes=size)


async def _check(
    work: UnitOfWork, *, stream: LogStream, offset: int, grant: RunGrant | None
) -> None:
    if offset < 0:
        raise InvalidInput("offset is 0 or more.", path=["offset"])
    run_id = stream.flow_run_id
    if grant is None:
        await get_flow_run(work, run_id)
    elif not await may_log(work, flow_run_id=run_id, granted_run_id=grant.run_id):
        raise Forbidden("A run's token writes that run's log only.")
