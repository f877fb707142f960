"""SQL of the queue of background tasks."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Text,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.background_tasks import (
    FORGOTTEN_AFTER,
    MAX_LOSSES,
    MAX_STATE_MESSAGE_LENGTH,
    PRIORITY_STEP,
    RETRIED_MESSAGE,
    SEEN_FOR,
    BackgroundTask,
    NewBackgroundTask,
    Outcome,
    TaskFilter,
    TaskLease,
    TaskState,
    Worker,
)
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import pages
from headgate_server.repositories.background_task_logs import is_line_of
from headgate_server.repositories.statements import named_with
from headgate_server.tables.background_tasks import background_task_logs, background_tasks

own, line = background_tasks.c, background_task_logs.c
_JSON = JSONB()
_EPOCH = datetime.fromtimestamp(0, UTC)


async def insert_task(work: UnitOfWork, new: NewBackgroundTask) -> BackgroundTask | None:
    """Put a call into the queue; None where one of its id is there."""
    due_at = new.due_at or work.now
    result = await work.execute(
        insert(background_tasks)
        .values(
            workspace_id=work.workspace_id,
            id=new.id,
            task_key=new.task_key,
            name=new.name,
            parameters=new.parameters,
            tags=list(new.tags) or None,
            priority=new.priority,
            due_at=due_at,
            turn_at=due_at - new.priority * PRIORITY_STEP,
            state_type=StateType.SCHEDULED,
            state_name="Scheduled",
            states=_with_state(
                work, StateType.SCHEDULED, "Scheduled", of=literal([], _JSON), epoch=0
            ),
            created_by_kind=work.actor.kind.value,
            created_by_id=work.actor.id,
            created_by_name=work.actor.display_name,
            created_at=work.now,
        )
        .on_conflict_do_nothing()
        .returning(background_tasks)
    )
    row = result.one_or_none()
    return None if row is None else _task(row)


async def find_task(
    work: UnitOfWork, id_: UUID, *, is_locked: bool = False
) -> BackgroundTask | None:
    """Return a call; locked, nobody changes it until the transaction ends."""
    statement = select(background_tasks).where(own.workspace_id == work.workspace_id, own.id == id_)
    if is_locked:
        statement = statement.with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return None if row is None else _task(row)


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, BackgroundTask]:
    """Return those of the calls that are in the workspace, by id."""
    rows = await work.execute(
        select(background_tasks).where(own.workspace_id == work.workspace_id, own.id.in_(ids))
    )
    return {row.id: _task(row) for row in rows}


async def take_tasks(work: UnitOfWork, worker: Worker, *, until: datetime) -> list[BackgroundTask]:
    """Lease to a worker what it may take next, in the order of the turns."""
    rows = await work.execute(
        named_with("take_background_tasks", parameters=_JSON, states=_JSON, result=_JSON),
        {
            "workspace_id": work.workspace_id,
            "worker_id": worker.id,
            "task_keys": list(worker.task_keys),
            "limit": worker.limit,
            "most_losses": MAX_LOSSES,
            "now": work.now,
            "until": until,
            "seen_for": SEEN_FOR,
            "forgotten_after": FORGOTTEN_AFTER,
        },
    )
    found = sorted(rows, key=lambda row: (row.turn_at, row.id))
    return [_task(row) for row in found]


async def next_instant(work: UnitOfWork) -> datetime | None:
    """Return when the next call of the workspace is due, or the next lease runs out."""
    leases = select(func.min(own.leased_until)).where(
        own.workspace_id == work.workspace_id, own.leased_until > work.now
    )
    dues = select(func.min(own.due_at)).where(
        own.workspace_id == work.workspace_id, own.ended_at.is_(None), own.due_at > work.now
    )
    found = await work.execute(select(func.least(leases.scalar_subquery(), dues.scalar_subquery())))
    return found.scalar_one()


async def start_task(
    work: UnitOfWork, lease: TaskLease, *, until: datetime
) -> BackgroundTask | None:
    """Mark a leased call as running; None where the lease is another's by now."""
    result = await work.execute(
        update(background_tasks)
        .where(*_held(work, lease))
        .values(
            is_started=True,
            leased_until=until,
            state_type=StateType.RUNNING,
            state_name="Running",
            states=case(
                (own.is_started, own.states),
                else_=_with_state(work, StateType.RUNNING, "Running"),
            ),
            started_at=func.coalesce(own.started_at, work.now),
        )
        .returning(background_tasks)
    )
    row = result.one_or_none()
    return None if row is None else _task(row)


async def renew_leases(
    work: UnitOfWork, leases: Sequence[TaskLease], *, until: datetime
) -> dict[UUID, bool]:
    """Keep leases for longer; by the ids of those that are held, whether a stop was asked for."""
    shown = [(lease.id, lease.token, lease.epoch) for lease in leases]
    rows = await work.execute(
        update(background_tasks)
        .where(
            own.workspace_id == work.workspace_id,
            tuple_(own.id, own.token, own.epoch).in_(shown),
            own.leased_until.is_not(None),
        )
        .values(leased_until=func.greatest(own.leased_until, until))
        .returning(own.id, own.cancel_requested_at)
    )
    return {row.id: row.cancel_requested_at is not None for row in rows}


async def finish_task(
    work: UnitOfWork, lease: TaskLease, outcome: Outcome
) -> BackgroundTask | None:
    """End a call, or give it back; None where the lease is another's by now."""
    is_over = outcome.state_type.is_terminal
    result = await work.execute(
        update(background_tasks)
        .where(*_held(work, lease))
        .values(
            state_type=outcome.state_type,
            state_name=outcome.state_name,
            message=outcome.message,
            states=_with_state(
                work, outcome.state_type, outcome.state_name, message=outcome.message
            ),
            result=outcome.result,
            leased_until=None,
            is_started=False,
            ended_at=work.now if is_over else None,
        )
        .returning(background_tasks)
    )
    row = result.one_or_none()
    return None if row is None else _task(row)


async def cancel_task(work: UnitOfWork, id_: UUID, *, is_over: bool) -> BackgroundTask:
    """Ask for a locked call to be stopped, or end it where no worker has begun with it."""
    values: dict[str, Any] = {
        "cancel_requested_at": func.coalesce(own.cancel_requested_at, work.now)
    }
    if is_over:
        message = "Cancelled before a worker began with it."
        values |= {
            "state_type": StateType.CANCELLED,
            "state_name": "Cancelled",
            "message": message,
            "states": _with_state(work, StateType.CANCELLED, "Cancelled", message=message),
            "leased_until": None,
            "ended_at": work.now,
        }
    result = await work.execute(
        update(background_tasks)
        .where(own.workspace_id == work.workspace_id, own.id == id_)
        .values(**values)
        .returning(background_tasks)
    )
    return _task(result.one())


async def retry_task(work: UnitOfWork, task: BackgroundTask) -> BackgroundTask:
    """Put a locked call that is over into the queue again, due now."""
    result = await work.execute(
        update(background_tasks)
        .where(own.workspace_id == work.workspace_id, own.id == task.id)
        .values(
            state_type=StateType.SCHEDULED,
            state_name="Scheduled",
            message=None,
            states=_with_state(work, StateType.SCHEDULED, "Scheduled", message=RETRIED_MESSAGE),
            result=None,
            due_at=work.now,
            turn_at=work.now - task.priority * PRIORITY_STEP,
            is_started=False,
            losses=0,
            cancel_requested_at=None,
            started_at=None,
            ended_at=None,
        )
        .returning(background_tasks)
    )
    return _task(result.one())


async def list_tasks(
    work: UnitOfWork, *, page: PageRequest, filter: TaskFilter
) -> Page[BackgroundTask]:
    """Return a page of a workspace's calls, the one queued last first."""
    sort = pages.Sort(columns=(own.created_at, own.id), is_descending=True)
    return await pages.read(work, _wanted(work, filter), sort=sort, page=page, make=_task)


async def count_tasks(work: UnitOfWork, *, filter: TaskFilter, cap: int) -> int:
    """Return how many calls there are, up to ``cap + 1``."""
    return await pages.count(work, _wanted(work, filter), cap=cap)


def _wanted(work: UnitOfWork, filter_: TaskFilter) -> Select[Any]:
    statement = select(background_tasks).where(own.workspace_id == work.workspace_id)
    if filter_.task_keys is not None:
        statement = statement.where(own.task_key.in_(filter_.task_keys))
    if filter_.state_types is not None:
        statement = statement.where(own.state_type.in_(filter_.state_types))
    if filter_.tags is not None:
        statement = statement.where(own.tags.overlap(list(filter_.tags)))
    return statement


async def delete_old(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete calls that ended before a time and whose lines are gone; how many."""
    has_lines = select(line.sequence).where(is_line_of()).exists()
    some = (
        select(own.id)
        .where(own.workspace_id == work.workspace_id, own.ended_at < before, ~has_lines)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    result = await work.execute(
        delete(background_tasks).where(own.workspace_id == work.workspace_id, own.id.in_(some))
    )
    return result.rowcount


async def guard_task(work: UnitOfWork, lease: TaskLease) -> bool:
    """Hold a lease until the transaction ends, so that nobody takes its task; whether it lives."""
    found = select(own.id).where(*_held(work, lease)).with_for_update(read=True)
    return (await work.execute(found)).one_or_none() is not None


def _with_state(
    work: UnitOfWork,
    type_: StateType,
    name: str,
    *,
    message: str | None = None,
    of: ColumnElement[Any] = own.states,
    epoch: ColumnElement[int] | int = own.epoch,
) -> ColumnElement[Any]:
    """Return the states of a call with the one that it enters now; the oldest of many goes."""
    short = None if message is None else message[:MAX_STATE_MESSAGE_LENGTH]
    return func.with_state(of, type_, name, work.now, cast(short, Text), cast(epoch, BigInteger))


def _held(work: UnitOfWork, lease: TaskLease) -> tuple[Any, ...]:
    """What is true of the row as long as nobody else took it, whatever the time."""
    return (
        own.workspace_id == work.workspace_id,
        own.id == lease.id,
        own.token == lease.token,
        own.epoch == lease.epoch,
        own.leased_until.is_not(None),
    )


def _state(type_: str, name: str, entered_at_us: int, message: str | None, epoch: int) -> TaskState:
    return TaskState(
        StateType(type_), name, _EPOCH + timedelta(microseconds=entered_at_us), message, epoch
    )


def _task(row: Row[Any]) -> BackgroundTask:
    return BackgroundTask(
        workspace_id=row.workspace_id,
        id=row.id,
        task_key=row.task_key,
        name=row.name,
        parameters=row.parameters,
        tags=tuple(row.tags or ()),
        priority=row.priority,
        due_at=row.due_at,
        state_type=StateType(row.state_type),
        state_name=row.state_name,
        message=row.message,
        states=tuple(_state(*state) for state in row.states),
        result=row.result,
        worker_id=row.worker_id,
        token=row.token,
        epoch=row.epoch,
        leased_until=row.leased_until,
        losses=row.losses,
        cancel_requested_at=row.cancel_requested_at,
        created_by=Actor(ActorKind(row.created_by_kind), row.created_by_id, row.created_by_name),
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
