"""SQL of the chunks of logs: noting their words, and finding those that may hold what is sought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select, text, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.log_searches import LogPlace, LogSearch, pattern_of
from headgate_server.domain.logs import LogLine
from headgate_server.repositories.logs import to_line
from headgate_server.repositories.statements import named
from headgate_server.tables.flow_runs import flow_run_cursors

_FIND = text(
    "select * from find_log_chunks(:text, :flow_id, :flow_run_id, :min_level, :since, :until, "
    ":after_at, :after_run, :after_sequence, :most)"
)


@dataclass(frozen=True, slots=True)
class Unchunked:
    """A run with lines whose words are not noted: those from behind ``after`` up to ``last``."""

    workspace_id: UUID
    flow_run_id: UUID
    after: int
    last: int


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A part of a run's log: these lines, of which only those between these times are its own."""

    flow_run_id: UUID
    first_sequence: int
    last_sequence: int
    first_at: datetime
    last_at: datetime


async def find_unchunked(work: UnitOfWork) -> Unchunked | None:
    """Return the run whose lines are due longest, while nobody else notes words; None without one.

    The run's cursor is left to those who append: only an advisory lock is held to the end of the
    transaction, so that no line is noted twice.
    """
    is_mine = select(func.pg_try_advisory_xact_lock(func.hashtext("headgate.log_chunks")))
    if not (await work.execute(is_mine)).scalar_one():
        return None
    cursor = flow_run_cursors.c
    rows = await work.execute(
        select(
            cursor.workspace_id, cursor.flow_run_id, cursor.chunked_sequence, cursor.log_sequence
        )
        .where(cursor.chunk_due_at.is_not(None), cursor.chunk_due_at <= work.now)
        .order_by(cursor.chunk_due_at)
        .limit(1)
    )
    row = rows.one_or_none()
    if row is None:
        return None
    return Unchunked(row.workspace_id, row.flow_run_id, row.chunked_sequence, row.log_sequence)


async def chunk_lines(work: UnitOfWork, run: Unchunked, *, last: int) -> None:
    """Note the words of a run's lines up to one; what is behind it stays due.

    That is looked at as the cursor is written: lines that came meanwhile are seen then.
    """
    if last > run.after:
        await work.execute(
            named("chunk_logs"),
            {
                "workspace_id": run.workspace_id,
                "flow_run_id": run.flow_run_id,
                "after": run.after,
                "last": last,
            },
        )
    cursor = flow_run_cursors.c
    await work.execute(
        update(flow_run_cursors)
        .where(cursor.workspace_id == run.workspace_id, cursor.flow_run_id == run.flow_run_id)
        .values(
            chunked_sequence=last,
            chunk_due_at=case((cursor.log_sequence > last, cursor.chunk_due_at), else_=None),
        )
    )


async def find_chunks(
    work: UnitOfWork,
    search: LogSearch,
    *,
    until: datetime | None,
    after: LogChunk | None,
    most: int,
) -> list[LogChunk]:
    """Return chunks that may hold what is sought, the latest first, from behind another on."""
    rows = await work.execute(
        _FIND,
        {
            "text": search.text or "",
            "flow_id": search.flow_id,
            "flow_run_id": search.flow_run_id,
            "min_level": search.min_level,
            "since": search.since,
            "until": until,
            "after_at": after.last_at if after else None,
            "after_run": after.flow_run_id if after else None,
            "after_sequence": after.first_sequence if after else None,
            "most": most,
        },
    )
    return [
        LogChunk(
            flow_run_id=row.flow_run_id,
            first_sequence=row.first_sequence,
            last_sequence=row.last_sequence,
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in rows
    ]


async def search_chunks(
    work: UnitOfWork,
    search: LogSearch,
    chunks: Sequence[LogChunk],
    *,
    behind: LogPlace | None,
    most: int,
) -> list[LogLine]:
    """Return those lines of some chunks that are sought, the latest first."""
    rows = await work.execute(
        named("search_chunks"),
        {
            **_conditions(work, search, behind=behind, most=most),
            "runs": [chunk.flow_run_id for chunk in chunks],
            "firsts": [chunk.first_sequence for chunk in chunks],
            "lasts": [chunk.last_sequence for chunk in chunks],
            "first_ats": [chunk.first_at for chunk in chunks],
            "last_ats": [chunk.last_at for chunk in chunks],
        },
    )
    return [to_line(row) for row in rows]


async def search_unchunked(
    work: UnitOfWork, search: LogSearch, *, behind: LogPlace | None, most: int
) -> list[LogLine]:
    """Return the lines in no chunk yet that are sought, the latest first."""
    rows = await work.execute(
        named("search_unchunked"),
        {
            **_conditions(work, search, behind=behind, most=most),
            "of_flow": search.flow_id,
            "of_run": search.flow_run_id,
        },
    )
    return [to_line(row) for row in rows]


def _conditions(
    work: UnitOfWork, search: LogSearch, *, behind: LogPlace | None, most: int
) -> dict[str, object]:
    at, run_id, sequence = behind or (None, None, None)
    return {
        "workspace_id": work.workspace_id,
        "min_level": search.min_level,
        "since": search.since,
        "until": search.until,
        "pattern": pattern_of(search.text),
        "at": at,
        "run_id": run_id,
        "sequence": sequence,
        "most": most,
    }
