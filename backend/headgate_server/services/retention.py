"""Retention: what a workspace keeps no longer goes, in transactions that nobody notices.

Only what has ended goes. A run that is live stays with all its history, however old it is, and so
do the runs that it started. Its states go with the run, its log when the workspace says so.
"""

from datetime import datetime

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.events import KNOWN_FOR
from headgate_server.repositories import (
    artifacts,
    assets,
    background_task_logs,
    background_tasks,
    cache_records,
    outbox,
    retention,
)
from headgate_server.repositories.retention import Kept, OldPartition

ROWS_AT_ONCE = 1_000
RUNS_AT_ONCE = 100
_ROWS_OF_A_RUN = 3
"""Of each run that goes: itself, its cursor and its entry in the ledger."""

list_expired = retention.list_expired
list_old_partitions = retention.list_old_partitions


async def purge(work: UnitOfWork, kept: Kept) -> int:
    """Delete up to 1,000 rows that a workspace keeps no longer; 0 when nothing is left to go.

    Args:
        work: a unit of work of the system, in the workspace.
        kept: what it keeps.
    """
    await retention.wait_briefly(work)
    before = work.now - kept.runs
    logs_before, known = work.now - kept.logs, work.now - KNOWN_FOR
    deleted = await _purge_runs(work, before=before)
    for delete, until in (
        (retention.delete_logs, logs_before),
        (background_task_logs.delete_old_lines, logs_before),
        (retention.delete_events, work.now - kept.events),
        (outbox.forget_ids, known),
        (assets.delete_old, before),
        (cache_records.delete_old, before),
        (artifacts.delete_forgotten, before),
        (retention.delete_skipped_fires, before),
        (retention.delete_failure_groups, before),
        (retention.delete_backfills, before),
        (background_task_logs.delete_lines_of_old, before),
        (background_tasks.delete_old, before),
        (retention.delete_violations, before),
        (retention.delete_sessions, before),
    ):
        if not deleted:
            deleted = await delete(work, before=until, most=ROWS_AT_ONCE)
    return deleted


async def drop_unneeded(work: UnitOfWork, partition: OldPartition) -> bool:
    """Drop a day that no workspace keeps, unless a run still needs it; say whether it went.

    It is looked at twice: first without disturbing anybody, then with everybody kept out. A day
    so old gets no more events, so what it holds is noted before anybody is kept out.

    Raises:
        Unavailable: somebody used the table for more than 100 ms.
    """
    if await retention.is_needed(work, partition):
        return False
    await retention.note_dropped_events(work, partition)
    await retention.wait_briefly(work)
    await retention.lock_partition(work, partition)
    if await retention.is_needed(work, partition):
        return False
    await retention.drop_partition(work, partition)
    return True


async def _purge_runs(work: UnitOfWork, *, before: datetime) -> int:
    run_ids = await retention.lock_expired_runs(work, before=before, most=RUNS_AT_ONCE)
    if not run_ids:
        return 0
    most = ROWS_AT_ONCE - _ROWS_OF_A_RUN * RUNS_AT_ONCE
    deleted = await retention.delete_children(work, run_ids, most=most)
    if deleted < most:
        deleted += await retention.delete_runs(work, run_ids)
    return deleted
