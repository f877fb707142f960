"""SQL of what background tasks log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, delete, select, tuple_

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.background_tasks import TaskLease, TaskLine
from headgate_server.domain.documents import scrub
from headgate_server.domain.logs import LogBatch
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.repositories import pages
from headgate_server.repositories.statements import named
from headgate_server.tables.background_tasks import background_task_logs, background_tasks

own, line = background_tasks.c, background_task_logs.c


async def append_lines(
    work: UnitOfWork, lease: TaskLease, batch: LogBatch, *, offset: int, rows: Sequence[int]
) -> bool:
    """Write some lines of a batch; False where the lease was never the last one."""
    result = await work.execute(
        named("append_background_logs"),
        {
            "workspace_id": work.workspace_id,
            "task_id": lease.id,
            "token": lease.token,
            "epoch": lease.epoch,
            "sequences": [offset + row for row in rows],
            "timestamps": [batch.timestamp[row] for row in rows],
            "levels": [batch.level[row] for row in rows],
            "loggers": [scrub(batch.logger[row]) for row in rows],
            "messages": [scrub(batch.message[row]) for row in rows],
        },
    )
    return bool(result.scalar_one())


async def list_lines(work: UnitOfWork, task_id: UUID, *, page: PageRequest) -> Page[TaskLine]:
    """Return a page of what a call logged, attempt by attempt."""
    sort = pages.by(line.epoch, line.sequence)
    return await pages.read(work, _lines(work, task_id), sort=sort, page=page, make=_line)


async def count_lines(work: UnitOfWork, task_id: UUID, *, cap: int) -> int:
    """Return how many lines a call logged, up to ``cap + 1``."""
    return await pages.count(work, _lines(work, task_id), cap=cap)


def _lines(work: UnitOfWork, task_id: UUID) -> Select[Any]:
    return select(background_task_logs).where(
        line.workspace_id == work.workspace_id, line.task_id == task_id
    )


def _line(row: Row[Any]) -> TaskLine:
    return TaskLine(
        task_id=row.task_id,
        epoch=row.epoch,
        sequence=row.sequence,
        timestamp=row.timestamp,
        level=row.level,
        logger=row.logger,
        message=row.message,
    )


async def delete_old_lines(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete what calls logged that ended before a time; how many lines.

    One that waits, runs or was queued again keeps all that it ever wrote. What an odd id hides, one
    from after that time, goes with its call.
    """
    parameters = {"workspace_id": work.workspace_id, "before": before, "most": most}
    return (await work.execute(named("delete_old_background_lines"), parameters)).rowcount


async def delete_lines_of_old(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete what calls logged that ended before a time and go as well, whatever their ids say."""
    some = (
        select(line.task_id, line.epoch, line.sequence)
        .join(background_tasks, is_line_of())
        .where(own.workspace_id == work.workspace_id, own.ended_at < before)
        .limit(most)
    )
    result = await work.execute(
        delete(background_task_logs).where(
            line.workspace_id == work.workspace_id,
            tuple_(line.task_id, line.epoch, line.sequence).in_(some),
        )
    )
    return result.rowcount


def is_line_of() -> ColumnElement[bool]:
    """Say that a line is a call's, as a condition of a statement."""
    return and_(line.workspace_id == own.workspace_id, line.task_id == own.id)
