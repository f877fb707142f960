"""Cancels that are under way: who is below a run, and whose end nobody has confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, func, select

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories.statements import named
from headgate_server.tables.flow_runs import flow_runs, task_runs
from headgate_server.tables.work_pools import work_items


@dataclass(frozen=True, slots=True)
class Below:
    """A live run below another; in its process, or on an agent of its own."""

    run_id: UUID
    is_in_process: bool


@dataclass(frozen=True, slots=True)
class StuckCancel:
    """A run that was to be cancelled, and whose end nobody confirmed in time."""

    workspace_id: UUID
    run_id: UUID


async def list_below(
    work: UnitOfWork, *, run_id: UUID, root_id: UUID, is_over: bool, most: int
) -> list[Below]:
    """Return the live runs below a run, of any depth.

    Args:
        work: the unit of work.
        run_id: below which run.
        root_id: the outermost run of its process.
        is_over: those that are being cancelled already, too.
        most: no more than so many.
    """
    rows = await work.execute(
        named("list_below"),
        {
            "workspace_id": work.workspace_id,
            "run_id": run_id,
            "root_id": root_id,
            "is_over": is_over,
            "most": most,
        },
    )
    return [Below(row.id, row.is_in_process) for row in rows]


async def find_parents(work: UnitOfWork, run_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the runs that have others below them, ended or not."""
    child = flow_runs.alias("child")
    is_parent = exists().where(
        task_runs.c.workspace_id == flow_runs.c.workspace_id,
        task_runs.c.flow_run_id == flow_runs.c.id,
        child.c.workspace_id == task_runs.c.workspace_id,
        child.c.parent_task_run_id == task_runs.c.id,
    )
    rows = await work.execute(
        select(flow_runs.c.id).where(
            flow_runs.c.workspace_id == work.workspace_id, flow_runs.c.id.in_(run_ids), is_parent
        )
    )
    return {row.id for row in rows}


async def list_stuck(
    work: UnitOfWork, *, confirmed_within: timedelta, most: int
) -> list[StuckCancel]:
    """Return runs of any workspace whose end nobody confirmed in time, the longest first."""
    grace = func.coalesce(work_items.c.cancel_grace_seconds, 0)
    deadline = (
        work_items.c.cancel_requested_at
        + func.make_interval(0, 0, 0, 0, 0, 0, grace)
        + confirmed_within
    )
    rows = await work.execute(
        select(work_items.c.workspace_id, work_items.c.run_id)
        .where(work_items.c.cancel_requested_at.is_not(None), deadline <= work.now)
        .order_by(work_items.c.cancel_requested_at)
        .limit(most)
    )
    return [StuckCancel(row.workspace_id, row.run_id) for row in rows]
