"""What a run did in its last attempt, and the parameters it is started again with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, Uuid, cast, func, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.reruns import MOST_PLANNED
from headgate_server.domain.states import StateType
from headgate_server.repositories.statements import named
from headgate_server.tables.deployment_versions import deployment_versions
from headgate_server.tables.flow_runs import attempts, flow_runs, task_runs
from headgate_server.tables.work_pools import work_items, work_queues


@dataclass(frozen=True, slots=True)
class RanTasks:
    """Task runs of a run.

    Args:
        text: a JSON list of them, as ``domain.reruns`` reads it: nothing of it is taken apart here.
        total: how many there are, with those that are too many for the list.
    """

    text: str
    total: int


async def read_last_tasks(
    work: UnitOfWork,
    run_id: UUID,
    *,
    first: Sequence[UUID] = (),
    before: datetime | None = None,
    kept_after: datetime | None = None,
) -> RanTasks:
    """Return the task runs of the last attempt of a run that reported any; at most 50,000.

    Args:
        work: the unit of work.
        run_id: the run.
        first: those that are in the list before others are; then come the oldest.
        before: what was so then; None for now.
        kept_after: results that were kept until then do not count.
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
    since = func.coalesce(started_at, task_runs.c.updated_at)
    kept = task_runs.c.cache_key.is_not(None)
    if kept_after is not None:
        kept = kept & (task_runs.c.updated_at > kept_after)
    chosen = _columns(kept).where(*reported, task_runs.c.updated_at >= since)
    return await _read(work, chosen, _order(task_runs.c.id.asc(), first))


async def read_newest_tasks(
    work: UnitOfWork, run_id: UUID, *, first: Sequence[UUID] = ()
) -> RanTasks:
    """Return the task runs of a run, of all its attempts; at most 50,000, the newest."""
    found = _columns(task_runs.c.cache_key.is_not(None)).where(
        task_runs.c.workspace_id == work.workspace_id, task_runs.c.flow_run_id == run_id
    )
    return await _read(work, found, _order(task_runs.c.id.desc(), first))


def _columns(is_kept: ColumnElement[bool]) -> Select[Any, Any]:
    """Select what a plan needs to know of task runs, and how many they all are."""
    fact = func.json_build_array(
        task_runs.c.id,
        func.coalesce(task_runs.c.parents, cast([], ARRAY(Uuid))),
        task_runs.c.state_type == StateType.COMPLETED,
        is_kept,
        task_runs.c.cache_key,
    )
    return select(fact.label("fact"), func.count().over().label("total"))


def _order(by_id: ColumnElement[UUID], first: Sequence[UUID]) -> list[ColumnElement[Any]]:
    return [*([task_runs.c.id.in_(first).desc()] if first else []), by_id]


async def _read(
    work: UnitOfWork, found: Select[Any, Any], order: list[ColumnElement[Any]]
) -> RanTasks:
    facts = found.order_by(*order).limit(MOST_PLANNED).subquery()
    rows = await work.execute(
        select(
            func.coalesce(cast(func.json_agg(facts.c.fact), Text), "[]").label("text"),
            func.coalesce(func.max(facts.c.total), 0).label("total"),
        )
    )
    row = rows.one()
    return RanTasks(row.text, row.total)


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
