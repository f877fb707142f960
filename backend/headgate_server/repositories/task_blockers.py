"""Reads what may hold a background task up."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.blockers import SlotWait
from headgate_server.repositories.blockers import slot_wait
from headgate_server.repositories.statements import named
from headgate_server.tables.background_tasks import background_tasks, task_workers


async def read_standing(
    work: UnitOfWork, id_: UUID, *, silent_for: timedelta, cap: int
) -> Mapping[str, Any] | None:
    """Return the standing of a call; None where there is none."""
    values = {"id": id_, "now": work.now, "silent_for": silent_for, "cap": cap}
    found = await work.execute(
        named("read_task_blockers"), {"workspace_id": work.workspace_id, **values}
    )
    row = found.mappings().one_or_none()
    return dict(row) if row is not None else None


async def list_tag_limits(work: UnitOfWork, tags: Sequence[str]) -> list[SlotWait]:
    """Return the concurrency limits of tags, with what is taken of each and who waits there."""
    rows = await work.execute(
        named("list_tag_limits"),
        {"workspace_id": work.workspace_id, "tags": list(tags), "now": work.now},
    )
    return [slot_wait(row) for row in rows]


async def list_held(
    work: UnitOfWork, *, task_key: str, silent_for: timedelta, most: int
) -> list[UUID]:
    """Return calls that the workers have that serve a task, the longest first."""
    task, worker = background_tasks.c, task_workers.c
    rows = await work.execute(
        select(task.id)
        .join(
            task_workers,
            (worker.workspace_id == task.workspace_id) & (worker.id == task.worker_id),
        )
        .where(
            task.workspace_id == work.workspace_id,
            task.leased_until > work.now,
            worker.last_seen_at > work.now - silent_for,
            worker.task_keys.contains([task_key]),
        )
        .order_by(task.started_at.asc().nulls_last(), task.id)
        .limit(most)
    )
    return list(rows.scalars())
