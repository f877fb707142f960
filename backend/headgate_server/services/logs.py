"""What can be done with log lines: append, and read."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import Forbidden, InvalidInput
from headgate_server.domain.logs import parse_batch, task_run_ids_of
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories import logs as repository
from headgate_server.repositories.leases.guard import may_log
from headgate_server.services.flow_runs.read import get_flow_run

list_lines = repository.list_lines
count_lines = repository.count_lines
log_sequence = repository.log_sequence
first_sequence = repository.first_sequence


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the stream stands now; ``is_hole`` says that the batch began beyond it."""

    next_offset: int
    is_hole: bool


async def append_lines(
    work: UnitOfWork,
    *,
    flow_run_id: UUID,
    stream_id: UUID,
    offset: int,
    batch: Any,
    grant: RunGrant | None,
) -> Appended:
    """Append lines at an offset of a stream; lines that came before are dropped, never doubled.

    Args:
        work: the unit of work.
        flow_run_id: whose log.
        stream_id: one reporting process; its offsets count the lines it sent.
        offset: how many lines of the stream came before this batch.
        batch: lines in columns.
        grant: the run token shown; None for an actor with the right to write logs anywhere.

    Raises:
        InvalidInput: the batch does not have the documented shape, or the offset is negative.
        Forbidden: the token is of another run.
        NotFound: no such run in this workspace.
    """
    parsed = parse_batch(batch)
    task_run_ids = task_run_ids_of(parsed)
    if offset < 0:
        raise InvalidInput("offset is 0 or more.", path=["offset"])
    if grant is None:
        await get_flow_run(work, flow_run_id)
    elif not await may_log(work, flow_run_id=flow_run_id, granted_run_id=grant.run_id):
        raise Forbidden("A run's token writes that run's log only.")
    cursor = await repository.lock_cursor(work, flow_run_id=flow_run_id, stream_id=stream_id)
    if offset > cursor.next_offset:
        return Appended(next_offset=cursor.next_offset, is_hole=True)
    skip = cursor.next_offset - offset
    fresh = len(parsed.message) - skip
    if fresh > 0:
        await repository.insert_lines(
            work,
            flow_run_id=flow_run_id,
            stream_id=stream_id,
            cursor=cursor,
            batch=parsed,
            task_run_ids=task_run_ids,
            skip=skip,
        )
        work.wake(channels.run(flow_run_id))
    return Appended(next_offset=cursor.next_offset + max(fresh, 0), is_hole=False)
