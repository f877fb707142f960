"""What can be done with task runs: the engine's bulk report, and reading."""

from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.events import NewEvent
from headgate_server.domain.filters import TaskRunFilter
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.task_runs import (
    TaskRun,
    TaskRunRejection,
    TaskRunRow,
    parse_batch,
    rows_of,
)
from headgate_server.repositories import task_runs as repository
from headgate_server.repositories.leases.guard import guard_lease
from headgate_server.services.events import record_events

get_many_task_runs = repository.get_many_task_runs
list_changed = repository.list_changed
task_sequence = repository.task_sequence


async def list_task_runs(
    work: UnitOfWork, *, page: PageRequest, filter: TaskRunFilter | None = None
) -> Page[TaskRun]:
    """Return a page of task runs, oldest first in each run: the key is ``(flow_run_id, id)``."""
    return await repository.list_task_runs(work, page=page, filter=filter)


async def count_task_runs(
    work: UnitOfWork, *, filter: TaskRunFilter | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many task runs match; ``cap + 1`` stands for more than ``cap``."""
    return await repository.count_task_runs(work, filter=filter, cap=cap)


async def sync_task_runs(
    work: UnitOfWork, *, flow_run_id: UUID, lease: LeaseRef, batch: Any
) -> tuple[int, list[TaskRunRejection]]:
    """Store a report of task runs; sent again, or out of order, it changes nothing twice.

    Written under the lease of the run itself or of its root: a report that comes after the lease
    was lost is refused whole.

    Returns:
        How many were taken, and the rejected ones with their reasons.

    Raises:
        InvalidInput: the batch does not have the documented shape.
        LeaseLost: the lease is not live.
    """
    parsed = parse_batch(batch)
    rows, rejections = rows_of(parsed)
    await guard_lease(work, lease=lease, flow_run_id=flow_run_id)
    if rows:
        foreign = await repository.upsert_task_runs(work, flow_run_id=flow_run_id, rows=rows)
        rows = [row for row in rows if row.id not in foreign]
        rejections += [_refuse(id_) for id_ in sorted(foreign)]
    if rows:
        await record_events(work, [_event(flow_run_id, rows)])
        work.wake(channels.run(flow_run_id))
    return len(rows), rejections


def _refuse(id_: UUID) -> TaskRunRejection:
    message = "This id is that of another flow run's task run; make a new one."
    return TaskRunRejection(ids.show(ids.Kind.TASK_RUN, id_), "CONFLICT", message)


def _event(flow_run_id: UUID, rows: list[TaskRunRow]) -> NewEvent:
    shown = ids.show(ids.Kind.FLOW_RUN, flow_run_id)
    counts: dict[str, int] = {}
    for row in rows:
        type_ = row.states[-1][0].value
        counts[type_] = counts.get(type_, 0) + 1
    return NewEvent(
        name="flow_run.task_runs_changed",
        resource_id=shown,
        resource={"id": shown, "kind": "flow_run"},
        payload={"states": counts},
    )
