"""SQL of task runs: the bulk report, and reading."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.filters import TaskRunFilter
from headgate_server.domain.pagination import Page, PageRequest, Portion
from headgate_server.domain.states import NAMES, StateType
from headgate_server.domain.task_runs import TaskRun, TaskRunRow
from headgate_server.repositories import filters, pages, portions
from headgate_server.repositories.statements import named, packed
from headgate_server.tables.flow_runs import flow_run_cursors, task_runs

LEFT_MESSAGE = "The process of its run is gone."
_LARGE = ("states", "tags", "parents")


async def upsert_task_runs(
    work: UnitOfWork, *, flow_run_id: UUID, rows: Sequence[TaskRunRow]
) -> set[UUID]:
    """Store the rows in one statement; a row with no more states than the stored one is dropped.

    Returns:
        The ids that are those of other flow runs' task runs: nothing of them was stored.
    """
    foreign = await work.execute(
        named("sync_task_runs"),
        {
            "workspace_id": work.workspace_id,
            "flow_run_id": flow_run_id,
            "now": work.now,
            "rows": packed([_record(row) for row in rows]),
        },
    )
    return set(foreign.scalars())


async def end_unfinished(work: UnitOfWork, left: Mapping[UUID, StateType]) -> None:
    """End the task runs that are not over of runs whose process is gone, in one statement.

    Args:
        work: a unit of work in the workspace of the runs, which it has locked.
        left: the state that what each run has left enters.
    """
    rows = [
        {
            "flow_run_id": run_id,
            "state_type": type_,
            "state_name": NAMES[type_][0],
            "message": LEFT_MESSAGE,
        }
        for run_id, type_ in left.items()
    ]
    await work.execute(
        named("end_task_runs"),
        {"workspace_id": work.workspace_id, "now": work.now, "rows": packed(rows)},
    )


def _record(row: TaskRunRow) -> dict[str, Any]:
    type_, name, _, _ = row.state
    return {
        "id": row.id,
        "task_key": row.task_key,
        "name": row.name,
        "map_index": row.map_index,
        "tags": row.tags or None,
        "cache_key": row.cache_key,
        "attempt": row.attempt,
        "parents": row.parents or None,
        "state_type": type_,
        "state_name": name,
        "states": row.states,
        "state_count": len(row.states),
        "started_us": row.started_us,
        "ended_us": row.ended_us,
    }


def to_task_run(row: Row[Any]) -> TaskRun:
    """Return the task run in a row of the table."""
    return TaskRun(
        workspace_id=row.workspace_id,
        id=row.id,
        flow_run_id=row.flow_run_id,
        task_key=row.task_key,
        name=row.name,
        map_index=row.map_index,
        tags=tuple(row.tags or ()),
        cache_key=row.cache_key,
        attempt=row.attempt,
        parents=tuple(row.parents or ()),
        state_type=StateType(row.state_type),
        state_name=row.state_name,
        states=tuple(tuple(state) for state in row.states),
        started_at=row.started_at,
        ended_at=row.ended_at,
        updated_at=row.updated_at,
    )


async def get_many_task_runs(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, TaskRun]:
    """Return the task runs of this workspace among the ids."""
    rows = await work.execute(
        select(task_runs).where(
            task_runs.c.workspace_id == work.workspace_id, task_runs.c.id.in_(ids)
        )
    )
    return {row.id: to_task_run(row) for row in rows}


async def list_task_runs(
    work: UnitOfWork, *, page: PageRequest, filter: TaskRunFilter | None
) -> Page[TaskRun]:
    """Return a page of task runs by id: in the order in which they were made."""
    sort = pages.by(task_runs.c.flow_run_id, task_runs.c.id)
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=to_task_run)


async def count_task_runs(work: UnitOfWork, *, filter: TaskRunFilter | None, cap: int) -> int:
    """Return how many task runs match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


def _matching(work: UnitOfWork, filter: TaskRunFilter | None) -> Select[Any]:
    return select(task_runs).where(
        task_runs.c.workspace_id == work.workspace_id,
        *filters.task_runs(filter, workspace_id=work.workspace_id),
    )


async def list_changed(
    work: UnitOfWork, *, flow_run_id: UUID, after: int, most: int, most_bytes: int
) -> Portion[tuple[int, TaskRun]]:
    """Return the task runs changed after a sequence, with theirs, in the order of the changes.

    The rows of one report share a sequence and are never split: it may be more than was asked for.
    """
    of_run = (
        task_runs.c.workspace_id == work.workspace_id,
        task_runs.c.flow_run_id == flow_run_id,
        task_runs.c.update_sequence > after,
    )
    number = task_runs.c.update_sequence
    page = select(number, *(task_runs.c[name] for name in _LARGE)).where(*of_run)
    page = page.order_by(number).limit(most).subquery("page")
    weight = portions.weigh(page, _LARGE)
    number = page.c.update_sequence
    # Rows with the same number are peers: each has the size of all up to the last of them.
    ends = select(number, func.sum(weight).over(order_by=number).label("end")).subquery("ends")
    number = ends.c.update_sequence
    fitting = func.max(number).filter(ends.c.end <= most_bytes)
    edges = select(
        func.coalesce(fitting, func.min(number)).label("last"),
        func.max(number).label("seen"),
        func.count().label("weighed"),
    ).subquery("edges")
    rows = (
        await work.execute(
            select(
                task_runs,
                portions.weigh(task_runs, _LARGE).label("portion_bytes"),
                edges.c.seen,
                edges.c.weighed,
            )
            .join_from(task_runs, edges, task_runs.c.update_sequence <= edges.c.last)
            .where(*of_run)
            .order_by(task_runs.c.update_sequence, task_runs.c.id)
        )
    ).all()
    return Portion(
        tuple((row.update_sequence, to_task_run(row)) for row in rows),
        tuple(row.portion_bytes for row in rows),
        has_more=bool(rows)
        and (rows[-1].weighed >= most or rows[-1].update_sequence < rows[-1].seen),
    )


async def task_sequence(work: UnitOfWork, flow_run_id: UUID) -> int:
    """Return the number of the latest change to a run's task runs; 0 before the first."""
    found = await work.execute(
        select(flow_run_cursors.c.task_sequence).where(
            flow_run_cursors.c.workspace_id == work.workspace_id,
            flow_run_cursors.c.flow_run_id == flow_run_id,
        )
    )
    return found.scalar_one_or_none() or 0
