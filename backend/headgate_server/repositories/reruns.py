"""What a run did in its last attempt, and the parameters it is started again with."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, cast, func, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.states import StateType
from headgate_server.domain.task_runs import TaskRun
from headgate_server.repositories.statements import named
from headgate_server.repositories.task_runs import to_task_run
from headgate_server.tables.deployment_versions import deployment_versions
from headgate_server.tables.flow_runs import attempts, flow_runs, task_runs
from headgate_server.tables.work_pools import work_items, work_queues

MOST_TASK_RUNS = 10_000


async def list_last_task_runs(
    work: UnitOfWork, run_id: UUID, *, before: datetime | None = None
) -> list[TaskRun]:
    """Return the task runs of the last attempt of a run that reported any, by id; at most 10,000.

    Args:
        work: the unit of work.
        run_id: the run.
        before: what was so then; None for now.
    """
    reported = [task_runs.c.workspace_id == work.workspace_id, task_runs.c.flow_run_id == run_id]
    if before is not None:
        reported.append(task_runs.c.updated_at <= before)
    reported_at = select(func.max(task_runs.c.updated_at)).where(*reported).scalar_subquery()
    started_at = (
        select(func.max(attempts.c.started_at))
        .where(
            attempts.c.workspace_id == work.workspace_id,
            attempts.c.flow_run_id == run_id,
            attempts.c.started_at <= reported_at,
        )
        .scalar_subquery()
    )
    rows = await work.execute(
        select(task_runs)
        .where(
            *reported, task_runs.c.updated_at >= func.coalesce(started_at, task_runs.c.updated_at)
        )
        .order_by(task_runs.c.id)
        .limit(MOST_TASK_RUNS)
    )
    return [to_task_run(row) for row in rows]


async def find_queue(work: UnitOfWork, run: FlowRun) -> tuple[str, UUID | None] | None:
    """Return the name of a run's queue, and which queue the version that it is of names.

    That is None where the version is not kept; there is no answer where the queue is gone.
    """
    made_for = (
        select(deployment_versions.c.content["work_queue_id"].astext)
        .where(
            deployment_versions.c.workspace_id == work.workspace_id,
            deployment_versions.c.id == run.deployment_version_id,
        )
        .scalar_subquery()
    )
    found = await work.execute(
        select(work_queues.c.name, cast(made_for, Uuid).label("made_for")).where(
            work_queues.c.workspace_id == work.workspace_id, work_queues.c.id == run.work_queue_id
        )
    )
    row = found.one_or_none()
    return None if row is None else (row.name, row.made_for)


async def find_whole_restart(work: UnitOfWork, run_id: UUID) -> datetime | None:
    """Return when somebody had all of a run done again last; None where nobody ever had."""
    found = await work.execute(
        named("find_whole_restart"), {"workspace_id": work.workspace_id, "run_id": run_id}
    )
    return found.scalar_one()


async def list_keys_done(work: UnitOfWork, run_id: UUID, *, since: datetime) -> set[str]:
    """Return the keys of the results of a run's tasks that have completed since an instant."""
    rows = await work.execute(
        select(task_runs.c.cache_key)
        .distinct()
        .where(
            task_runs.c.workspace_id == work.workspace_id,
            task_runs.c.flow_run_id == run_id,
            task_runs.c.updated_at > since,
            task_runs.c.state_type == StateType.COMPLETED,
            task_runs.c.cache_key.is_not(None),
        )
    )
    return set(rows.scalars())


async def list_newest_task_runs(work: UnitOfWork, run_id: UUID) -> list[TaskRun]:
    """Return the newest 10,000 task runs of a run, of all its attempts, newest first."""
    rows = await work.execute(
        select(task_runs)
        .where(task_runs.c.workspace_id == work.workspace_id, task_runs.c.flow_run_id == run_id)
        .order_by(task_runs.c.id.desc())
        .limit(MOST_TASK_RUNS)
    )
    return [to_task_run(row) for row in rows]


async def update_parameters(work: UnitOfWork, *, run_id: UUID, parameters: dict[str, Any]) -> None:
    """Write the parameters of a locked run."""
    await work.execute(
        update(flow_runs)
        .where(flow_runs.c.workspace_id == work.workspace_id, flow_runs.c.id == run_id)
        .values(parameters=parameters)
    )


async def change_key(work: UnitOfWork, *, run_id: UUID, before: str, after: str) -> None:
    """Have a locked run that waits under one key wait under another; one of its own stays."""
    for table, id_ in ((flow_runs, flow_runs.c.id), (work_items, work_items.c.run_id)):
        await work.execute(
            update(table)
            .where(
                table.c.workspace_id == work.workspace_id,
                id_ == run_id,
                table.c.collision_key == before,
            )
            .values(collision_key=after)
        )
