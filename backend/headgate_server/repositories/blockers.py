"""Reads what may hold a run up."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.dialects.postgresql import JSONB

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blockers import SlotWait
from headgate_server.repositories.statements import named, named_with

_JSON = JSONB()


async def read_standing(
    work: UnitOfWork,
    *,
    run_id: UUID | None,
    deployment_id: UUID | None,
    silent_for: timedelta,
    cap: int,
) -> Mapping[str, Any] | None:
    """Return the standing of a run, or of the next run of a deployment; None for neither."""
    row = (
        (
            await work.execute(
                named_with("read_blockers", collision=_JSON),
                {
                    "workspace_id": work.workspace_id,
                    "run_id": run_id,
                    "deployment_id": deployment_id,
                    "now": work.now,
                    "silent_for": silent_for,
                    "cap": cap,
                },
            )
        )
        .mappings()
        .one_or_none()
    )
    return dict(row) if row is not None else None


async def list_waits(
    work: UnitOfWork, *, run_id: UUID | None = None, task_id: UUID | None = None
) -> list[SlotWait]:
    """Return the concurrency limits that code of a run or a background task waits for."""
    who = {"run_id": run_id, "task_id": task_id}
    rows = await work.execute(
        named("list_blocking_slots"), {"workspace_id": work.workspace_id, "now": work.now, **who}
    )
    return [slot_wait(row) for row in rows]


def slot_wait(row: Row[Any]) -> SlotWait:
    """Return the wait for slots of a limit that a row tells of."""
    return SlotWait(
        id=row.id,
        name=row.name,
        task_tag=row.task_tag,
        limit=row.slot_limit,
        slot_decay_per_second=row.slot_decay_per_second,
        slots=row.slots,
        since=row.since,
        ahead=int(row.ahead),
        taken=int(row.taken),
        free_at=row.free_at,
    )


async def list_holders(
    work: UnitOfWork, row: Mapping[str, Any], *, limit_ids: Sequence[UUID], most: int
) -> dict[str, list[UUID]]:
    """Return runs, and background tasks, that hold what is waited for, by kind of place."""
    rows = await work.execute(
        named("list_blocking_runs"),
        {
            "workspace_id": work.workspace_id,
            "deployment_id": row["deployment_id"],
            "work_pool_id": row["work_pool_id"],
            "work_queue_id": row["work_queue_id"],
            "limit_ids": list(limit_ids),
            "now": work.now,
            "most": most,
        },
    )
    found: dict[str, list[UUID]] = {}
    for held in rows:
        found.setdefault(held.place, []).append(held.run_id)
    return found


async def read_mean_seconds(work: UnitOfWork, *, deployment_id: UUID) -> float | None:
    """Return how long the last completed runs of a deployment took on average."""
    found = await work.execute(
        named("mean_duration"),
        {"workspace_id": work.workspace_id, "deployment_id": deployment_id, "now": work.now},
    )
    seconds = found.scalar_one()
    return None if seconds is None else float(seconds)
