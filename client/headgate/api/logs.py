"""Logs over the API: append from a run, read back, follow."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import Answer, Page, ask, change, given, read_page, require
from headgate.api.documents import document
from headgate.api.transport import Transport

NOUN = "logs"

MAX_BATCH = 1000
MAX_MESSAGE_CHARACTERS = 64_000


class LogLine(Answer, frozen=True):
    """One line of a run's log."""

    sequence: int
    timestamp: datetime
    level: int
    logger: str
    message: str
    task_run_id: str | None = None


class LogBatch(Answer, frozen=True):
    """Lines that a tail brings.

    Args:
        gap: lines before these are gone: the cursor was older than the retention.
        ended: the run is over and no line follows.
    """

    cursor: str
    lines: list[LogLine]
    caught_up: bool = False
    gap: bool = False
    ended: bool = False


class AppendResult(Answer, frozen=True):
    """How far the server has read a stream."""

    next_offset: int
    dropped_for_quota: int = 0


async def append(
    transport: Transport,
    *,
    flow_run_id: str,
    stream_id: str,
    offset: int,
    batch: dict[str, list[Any]],
    deadline_seconds: float | None = None,
) -> AppendResult:
    """Append lines to a stream; lines below the server's offset are taken for a retry and dropped.

    Args:
        offset: how many lines this stream sent before.
        batch: the columns timestamp, level, logger, message, taskRunId; 1 to 1,000 rows.
    """
    payload = await change(
        transport,
        NOUN,
        "LogsAppend",
        input={
            "flowRunId": flow_run_id,
            "streamId": stream_id,
            "offset": offset,
            "batch": batch,
        },
        deadline_seconds=deadline_seconds,
    )
    return msgspec.convert(payload, AppendResult)


async def list_logs(
    transport: Transport,
    *,
    flow_run_id: str,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: dict[str, Any] | None = None,
) -> Page[LogLine]:
    """Return lines of a run, oldest first."""
    found = await ask(
        transport,
        NOUN,
        "FlowRunLogs",
        variables=given(
            flowRunId=flow_run_id,
            first=first,
            after=after,
            last=last,
            before=before,
            filter=filter,
        ),
    )
    return read_page(require(found, what=f"flow run {flow_run_id}")["logs"], item=LogLine)


async def tail(
    transport: Transport,
    *,
    flow_run_id: str,
    after: str | None = None,
    filter: dict[str, Any] | None = None,
) -> AsyncIterator[LogBatch]:
    """Follow a run's log from a cursor on; the caller re-opens a broken stream."""
    async with aclosing(
        transport.subscribe(
            document(NOUN, "LogTail"),
            {"flowRunId": flow_run_id, "after": after, "filter": filter},
            operation="LogTail",
        )
    ) as messages:
        async for message in messages:
            yield msgspec.convert(message["logTail"], LogBatch)
