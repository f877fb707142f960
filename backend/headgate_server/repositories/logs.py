"""SQL of log lines: appending in bulk, and reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.documents import scrub
from headgate_server.domain.logs import LogBatch, LogFilter, LogLine, LogStream
from headgate_server.domain.pagination import Page, PageRequest, Portion
from headgate_server.repositories import pages, portions
from headgate_server.repositories.statements import named
from headgate_server.tables.flow_runs import flow_run_cursors, logs


@dataclass(frozen=True, slots=True)
class LogCursor:
    """Where a run's log and one of its streams stand: the next sequence and the next offset."""

    next_sequence: int
    next_offset: int


async def lock_cursor(work: UnitOfWork, stream: LogStream) -> LogCursor:
    """Lock a run's log until the transaction ends and return where it stands."""
    cursor = flow_run_cursors.c
    added = insert(flow_run_cursors).values(
        workspace_id=work.workspace_id, flow_run_id=stream.flow_run_id
    )
    row = (
        await work.execute(
            added.on_conflict_do_update(
                index_elements=[cursor.workspace_id, cursor.flow_run_id],
                set_={"log_sequence": cursor.log_sequence},
            ).returning(cursor.log_sequence, cursor.log_streams)
        )
    ).one()
    return LogCursor(
        next_sequence=row.log_sequence + 1,
        next_offset=int(row.log_streams.get(str(stream.stream_id), 0)),
    )


async def insert_lines(
    work: UnitOfWork,
    *,
    stream: LogStream,
    cursor: LogCursor,
    batch: LogBatch,
    task_run_ids: list[UUID | None],
    rows: Sequence[int],
    count: int,
) -> None:
    """Append some lines of a batch, and move the stream on, under the cursor's lock.

    Args:
        work: the unit of work.
        stream: where the lines go.
        cursor: where it stands.
        batch: the lines.
        task_run_ids: of each line.
        rows: the places of the lines to append, in order; it may be empty.
        count: how many lines the stream moves on by, appended or not.
    """
    await work.execute(
        named("append_logs"),
        {
            "workspace_id": work.workspace_id,
            "flow_run_id": stream.flow_run_id,
            "first": cursor.next_sequence,
            "timestamps": [batch.timestamp[row] for row in rows],
            "levels": [batch.level[row] for row in rows],
            "loggers": [scrub(batch.logger[row]) for row in rows],
            "messages": [scrub(batch.message[row]) for row in rows],
            "task_run_ids": [task_run_ids[row] for row in rows],
            "size": len(rows),
            "stream_id": str(stream.stream_id),
            "next_offset": cursor.next_offset + count,
        },
    )


async def list_lines(
    work: UnitOfWork, *, flow_run_id: UUID, page: PageRequest, filter_: LogFilter
) -> Page[LogLine]:
    """Return a page of a run's lines by sequence."""
    conditions = [*_conditions(work, flow_run_id, filter_)]
    if page.key is not None:
        edge = page.key[0]
        conditions.append(logs.c.sequence < edge if page.is_backward else logs.c.sequence > edge)
    order = logs.c.sequence.desc() if page.is_backward else logs.c.sequence
    rows = (
        await work.execute(select(logs).where(*conditions).order_by(order).limit(page.size + 1))
    ).all()
    has_more = len(rows) > page.size
    lines = [to_line(row) for row in rows[: page.size]]
    if page.is_backward:
        lines.reverse()
    return Page(
        items=lines,
        has_next=page.key is not None if page.is_backward else has_more,
        has_previous=has_more if page.is_backward else page.key is not None,
    )


async def list_lines_behind(
    work: UnitOfWork,
    *,
    flow_run_id: UUID,
    after: int,
    most: int,
    most_bytes: int,
    filter_: LogFilter,
) -> Portion[LogLine]:
    """Return a run's lines behind a sequence, in order, up to so many or so large."""
    return await portions.read(
        work,
        select(logs).where(*_conditions(work, flow_run_id, filter_)),
        number="sequence",
        large=("message",),
        after=after,
        most=most,
        most_bytes=most_bytes,
        make=to_line,
    )


async def count_lines(work: UnitOfWork, *, flow_run_id: UUID, filter_: LogFilter, cap: int) -> int:
    """Return how many of a run's lines match, up to ``cap + 1``."""
    statement = select(logs.c.sequence).where(*_conditions(work, flow_run_id, filter_))
    return await pages.count(work, statement, cap=cap)


async def log_sequence(work: UnitOfWork, flow_run_id: UUID) -> int:
    """Return the sequence of a run's latest line; 0 before the first."""
    found = await work.execute(
        select(flow_run_cursors.c.log_sequence).where(
            flow_run_cursors.c.workspace_id == work.workspace_id,
            flow_run_cursors.c.flow_run_id == flow_run_id,
        )
    )
    return found.scalar_one_or_none() or 0


async def first_sequence(work: UnitOfWork, flow_run_id: UUID, *, after: int) -> int | None:
    """Return the sequence of a run's oldest line behind another; None where none is kept."""
    found = await work.execute(
        select(logs.c.sequence)
        .where(
            logs.c.workspace_id == work.workspace_id,
            logs.c.flow_run_id == flow_run_id,
            logs.c.sequence > after,
        )
        .order_by(logs.c.sequence)
        .limit(1)
    )
    return found.scalar_one_or_none()


def _conditions(
    work: UnitOfWork, flow_run_id: UUID, filter_: LogFilter
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        logs.c.workspace_id == work.workspace_id,
        logs.c.flow_run_id == flow_run_id,
    ]
    if filter_.min_level is not None:
        conditions.append(logs.c.level >= filter_.min_level)
    if filter_.task_run_ids is not None:
        conditions.append(logs.c.task_run_id.in_(filter_.task_run_ids))
    if filter_.text:
        conditions.append(logs.c.message.icontains(filter_.text, autoescape=True))
    if filter_.since is not None:
        conditions.append(logs.c.timestamp >= filter_.since)
    if filter_.until is not None:
        conditions.append(logs.c.timestamp < filter_.until)
    return conditions


def to_line(row: Row[Any]) -> LogLine:
    """Return the line in a row of the table."""
    return LogLine(
        flow_run_id=row.flow_run_id,
        sequence=row.sequence,
        timestamp=row.timestamp,
        level=row.level,
        logger=row.logger,
        message=row.message,
        task_run_id=row.task_run_id,
    )
