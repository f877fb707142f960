"""What a run did in its last attempt, and the parameters it is started again with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Subquery,
    Text,
    Uuid,
    cast,
    func,
    select,
    update,
)

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.reruns import MOST_PARENTS, MOST_PLANNED
from headgate_server.domain.states import StateType
from headgate_server.repositories.statements import named
from headgate_server.tables.deployment_versions import deployment_versions
from headgate_server.tables.flow_runs import attempts, flow_runs, task_runs
from headgate_server.tables.work_pools import work_items, work_queues

PIECE = 10_000
"""So many task runs, with those that they wait for, are in one text: to read it takes 10 ms."""


async def read_last_tasks(
    work: UnitOfWork,
    run_id: UUID,
    *,
    first: Sequence[UUID] = (),
    before: datetime | None = None,
    kept_after: datetime | None = None,
) -> list[str]:
    """Return the task runs of the last attempt of a run that reported any, as ``read_ran`` reads.

    Those are 50,000 at most, which wait for 500,000 others in all at most.

    Args:
        work: the unit of work.
        run_id: the run.
        first: those that are in the list before others are; then come the oldest.
        before: what was so then; None for now.
        kept_after: results that were kept until then do not count.
    """
    kept = task_runs.c.cache_key.is_not(None)
    if kept_after is not None:
        kept = kept & (task_runs.c.updated_at > kept_after)
    return await _read(work, _last(work, run_id, before=before), is_kept=kept, first=first)


async def count_last_tasks(work: UnitOfWork, run_id: UUID) -> int:
    """Return how many task runs the last attempt of a run has that reported any."""
    statement = select(func.count()).select_from(task_runs).where(*_last(work, run_id))
    return int((await work.execute(statement)).scalar_one())


async def read_newest_tasks(
    work: UnitOfWork, run_id: UUID, *, first: Sequence[UUID] = ()
) -> list[str]:
    """Return the newest task runs of a run, of all its attempts; as many as of the last one."""
    kept = task_runs.c.cache_key.is_not(None)
    return await _read(work, _of(work, run_id), is_kept=kept, first=first, is_newest=True)


def _of(work: UnitOfWork, run_id: UUID) -> list[ColumnElement[bool]]:
    return [task_runs.c.workspace_id == work.workspace_id, task_runs.c.flow_run_id == run_id]


def _last(
    work: UnitOfWork, run_id: UUID, *, before: datetime | None = None
) -> list[ColumnElement[bool]]:
    """Return the conditions that task runs are of the last attempt that reported any."""
    reported = _of(work, run_id)
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
    return [*reported, task_runs.c.updated_at >= since]


async def _read(
    work: UnitOfWork,
    conditions: Sequence[ColumnElement[bool]],
    *,
    is_kept: ColumnElement[bool],
    first: Sequence[UUID],
    is_newest: bool = False,
) -> list[str]:
    """Return JSON lists of what a plan needs to know of task runs: nothing is taken apart here.

    A plan that knew of more would hold up everybody else: of the others the database makes nothing.
    Each list is short enough for the loop to have its turn between two of them.
    """
    placed = _placed(work, conditions, first=first, is_newest=is_newest)
    fact = func.json_build_array(
        task_runs.c.id,
        func.coalesce(task_runs.c.parents, cast([], ARRAY(Uuid))),
        task_runs.c.state_type == StateType.COMPLETED,
        is_kept,
        task_runs.c.cache_key,
    )
    rows = await work.execute(
        select(cast(func.json_agg(fact), Text))
        .select_from(
            task_runs.join(
                placed,
                (task_runs.c.workspace_id == work.workspace_id) & (task_runs.c.id == placed.c.id),
            )
        )
        .where(placed.c.number <= MOST_PLANNED, placed.c.edges <= MOST_PARENTS)
        .group_by(placed.c.piece)
        .order_by(placed.c.piece)
    )
    return list(rows.scalars())


def _placed(
    work: UnitOfWork,
    conditions: Sequence[ColumnElement[bool]],
    *,
    first: Sequence[UUID],
    is_newest: bool,
) -> Subquery:
    """Select task runs: the place of each, how many others they wait for up to there, its piece."""

    def by(id_: ColumnElement[UUID]) -> ColumnElement[UUID]:
        return id_.desc() if is_newest else id_.asc()

    ids = select(task_runs.c.id).where(*conditions)
    oldest = ids.order_by(by(task_runs.c.id)).limit(MOST_PLANNED).subquery()
    picked = select(oldest.c.id).union(ids.where(task_runs.c.id.in_(first))).subquery()
    order = [picked.c.id.in_(first).desc(), by(picked.c.id)]
    parents = func.coalesce(func.cardinality(task_runs.c.parents), 0, type_=Integer)
    number = func.row_number(type_=BigInteger).over(order_by=order)
    edges = func.sum(parents, type_=BigInteger).over(order_by=order)
    piece = func.div(number + edges, PIECE)
    return (
        select(picked.c.id, number.label("number"), edges.label("edges"), piece.label("piece"))
        .join(
            task_runs,
            (task_runs.c.workspace_id == work.workspace_id) & (task_runs.c.id == picked.c.id),
        )
        .subquery()
    )


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
