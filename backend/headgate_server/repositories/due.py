"""When the loops have something to do, and what is late."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, text, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.flow_runs import LateCause
from headgate_server.repositories.statements import named
from headgate_server.tables.events import idempotency_keys
from headgate_server.tables.work_pools import work_items

_MAKE_PARTITION = text("select make_partition(:parent, :day)")


@dataclass(frozen=True, slots=True)
class LateRun:
    """A run that waits beyond its threshold, and why."""

    workspace_id: UUID
    run_id: UUID
    cause: LateCause


@dataclass(frozen=True, slots=True)
class MissingPartition:
    """A whole day that a table has no partition for."""

    parent: str
    day: date


async def next_due(
    work: UnitOfWork,
    *,
    horizon: timedelta,
    missed_after: timedelta,
    unresponsive_after: timedelta,
    lost_after: timedelta,
    counts_after: timedelta,
    checkpoints_after: timedelta,
    confirmed_within: timedelta,
    tasks_confirmed_within: timedelta,
) -> dict[str, datetime | None]:
    """Return when each loop has something to do next, by the loop's name, in one query."""
    row = (
        await work.execute(
            named("next_due"),
            {
                "now": work.now,
                "horizon": horizon,
                "missed_after": missed_after,
                "unresponsive_after": unresponsive_after,
                "lost_after": lost_after,
                "counts_after": counts_after,
                "checkpoints_after": checkpoints_after,
                "confirmed_within": confirmed_within,
                "tasks_confirmed_within": tasks_confirmed_within,
            },
        )
    ).one()
    return {
        "schedules": row.schedules,
        "late_runs": row.late_runs,
        "collisions": row.collisions,
        "lost_runs": row.lost_runs,
        "run_ends": row.run_ends,
        "stuck_cancels": row.stuck_cancels,
        "lost_tasks": row.lost_tasks,
        "outbox": row.outbox,
        "backfills": row.backfills,
        "failure_groups": row.failure_groups,
        "log_chunks": row.log_chunks,
        "sla_rules": row.sla_rules,
        "run_counts": row.run_counts,
        "expired_keys": row.expired_keys,
        "expired_pauses": row.expired_pauses,
        "audit_entries": row.audit_entries,
        "missed_schedules": row.missed_schedules,
    }


async def list_late(
    work: UnitOfWork,
    *,
    silent_for: timedelta,
    resting: Collection[UUID],
    most: int,
    most_each: int,
) -> list[LateRun]:
    """Return runs that are late and not marked so, unlocked; those of no workspace before others'.

    Args:
        work: as the system.
        silent_for: agents that were silent for so long serve no queue.
        resting: workspaces whose runs are left out.
        most: how many runs.
        most_each: how many of a workspace, the longest waiting.
    """
    parameters = {
        "now": work.now,
        "silent_for": silent_for,
        "resting": list(resting),
        "most": most,
        "most_each": most_each,
    }
    rows = await work.execute(named("list_late"), parameters)
    return [LateRun(row.workspace_id, row.run_id, LateCause(row.cause)) for row in rows]


async def end_late_episodes(work: UnitOfWork, run_ids: Sequence[UUID]) -> None:
    """Note that runs were marked late: once an episode."""
    await work.execute(
        update(work_items)
        .where(work_items.c.workspace_id == work.workspace_id, work_items.c.run_id.in_(run_ids))
        .values(late_due_at=None)
    )


async def delete_expired_keys(work: UnitOfWork, *, most: int) -> int:
    """Delete idempotency keys past their time and return how many."""
    key = idempotency_keys.c
    expired = (
        select(key.workspace_id, key.actor, key.operation, key.key)
        .where(key.expires_at < work.now)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("expired")
    )
    result = await work.execute(
        delete(idempotency_keys).where(
            key.workspace_id == expired.c.workspace_id,
            key.actor == expired.c.actor,
            key.operation == expired.c.operation,
            key.key == expired.c.key,
        )
    )
    return result.rowcount


async def list_missing_partitions(work: UnitOfWork, *, days_ahead: int) -> list[MissingPartition]:
    """Return what yesterday, today and the coming days have no partition for, by day."""
    rows = await work.execute(named("list_missing_partitions"), {"days_ahead": days_ahead})
    return [MissingPartition(row.parent, row.day) for row in rows]


async def make_partition(work: UnitOfWork, missing: MissingPartition) -> bool:
    """Make a partition, and move rows of its day into it; say whether it was made.

    It is not where another is at it, or where the day has too many rows to be moved.

    Raises:
        Unavailable: somebody used the default partition for more than 100 ms.
    """
    made = await work.execute(_MAKE_PARTITION, {"parent": missing.parent, "day": missing.day})
    return bool(made.scalar_one())
