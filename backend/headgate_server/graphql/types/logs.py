"""Log lines, and the pages of a run's log."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.logs import LogFilter as LogRowFilter
from headgate_server.domain.logs import LogLine as LogLineRow
from headgate_server.domain.logs import log_list
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.filters import LogFilter
from headgate_server.graphql.shapes.nodes import show_id
from headgate_server.services import logs

MAX_PAGE_SIZE = 1000

Filter = Annotated[
    LogFilter | None, strawberry.argument(description="Only the lines that match this.")
]


@strawberry.type(description="One line of a run's log.")
class LogLine:
    sequence: int = strawberry.field(description="Numbers the run's lines as they were received.")
    timestamp: datetime = strawberry.field(description="When it was written, by its process.")
    level: int = strawberry.field(description="10 debug, 20 info, 30 warning, 40 error.")
    logger: str = strawberry.field(description="The logger's name.")
    message: str = strawberry.field(description="At most 64,000 characters.")
    task_run_id: strawberry.ID | None = strawberry.field(
        description="The task run it belongs to; null for the flow's own lines."
    )


def show_line(row: LogLineRow) -> LogLine:
    """Return a line."""
    task = row.task_run_id
    return LogLine(
        sequence=row.sequence,
        timestamp=row.timestamp,
        level=row.level,
        logger=row.logger,
        message=row.message,
        task_run_id=None if task is None else show_id(ids.Kind.TASK_RUN, task),
    )


def log_cursors(flow_run_id: UUID) -> Listing[LogLineRow]:
    """Return how the lines of a run are addressed; the filter does not change the order."""
    return Listing(
        of=log_list(flow_run_id),
        key=lambda line: (line.sequence,),
        key_types=tuple[int],
        max_size=MAX_PAGE_SIZE,
    )


async def list_lines(
    info: Info,
    *,
    workspace_id: UUID,
    on: UUID | None = None,
    flow_run_id: UUID,
    filter_: LogRowFilter,
    first: int | None = None,
    after: Cursor | None = None,
    last: int | None = None,
    before: Cursor | None = None,
) -> Connection[LogLine]:
    """Return a page of a run's log."""
    listing = log_cursors(flow_run_id)
    page = listing.request(first=first, after=after, last=last, before=before)
    async with info.context.work(workspace_id, on=on) as work:
        rows = await logs.list_lines(work, flow_run_id=flow_run_id, page=page, filter_=filter_)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id, on=on) as work:
            return await logs.count_lines(work, flow_run_id=flow_run_id, filter_=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_line, count=count)


def of_task_run(filter_: LogRowFilter, task_run_id: UUID) -> LogRowFilter:
    """Return a filter narrowed to the lines of one task run."""
    return replace(filter_, task_run_ids=(task_run_id,))
