"""The queue of background tasks: queued, taken by workers under leases, ended or given back.

Postgres alone decides who has a call; wakes only say that it is worth to look. A worker that is
lost loses its leases by their time, and another takes what it had under a higher epoch; where no
other comes, a loop puts it back, or ends it. Each end, each loss and each retry is an event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.background_tasks import (
    CONFIRMED_WITHIN,
    MAX_LINES,
    BackgroundTask,
    LeaseVerdict,
    NewBackgroundTask,
    Outcome,
    TaskLease,
    Worker,
    check_new,
    check_outcome,
    check_worker,
)
from headgate_server.domain.errors import (
    IdempotencyMismatch,
    IllegalTransition,
    InvalidInput,
    LeaseLost,
    NotFound,
)
from headgate_server.domain.events import NewEvent
from headgate_server.domain.ids import Kind, show
from headgate_server.domain.logs import LogBatch, size_of
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories import background_task_logs, lost_tasks, slot_holders
from headgate_server.repositories import background_tasks as repository
from headgate_server.repositories.flow_runs.transition import event_word
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.events import record_events
from headgate_server.services.flow_runs.start import check_starts_all

MOST_LEASES = 1_000
ENDED_AT_ONCE = 100

get_many_tasks = repository.get_many
list_tasks = repository.list_tasks
count_tasks = repository.count_tasks
list_lines = background_task_logs.list_lines
count_lines = background_task_logs.count_lines
_CANCELLED = Outcome(StateType.CANCELLED, "Cancelled", "Cancelled as it was given back.")
_LOST = "The background task is another worker's by now; stop it and report nothing more."


async def create_task(
    work: UnitOfWork, new: NewBackgroundTask, *, sender: RunGrant | None
) -> BackgroundTask:
    """Put a call into the queue; sent again with the same id, it is there once.

    Args:
        work: the unit of work.
        new: the call.
        sender: the run whose token is shown, if one is: it may while its lease is live.

    Raises:
        InvalidInput: naming what is wrong with the call.
        Forbidden: a run that may not start whatever there is.
        LeaseLost: the sending run has ended.
        IdempotencyMismatch: the id was used for another call.
    """
    check_new(new)
    if sender is not None:
        await check_starts_all(work, sender)
    made = await repository.insert_task(work, new)
    if made is None:
        made = await repository.find_task(work, new.id)
        if made is None or (made.task_key, made.name, made.parameters, made.priority) != (
            new.task_key,
            new.name,
            new.parameters,
            new.priority,
        ):
            raise IdempotencyMismatch
        return made
    work.wake(channels.background_tasks(work.workspace_id))
    return made


async def take_tasks(
    work: UnitOfWork, worker: Worker, *, duration: timedelta
) -> tuple[list[BackgroundTask], datetime | None]:
    """Lease to a worker what it may take next, and say when it is worth to look again.

    Args:
        work: the unit of work.
        worker: who takes it; it is never given more than its limit.
        duration: how long it may take to start each.

    Raises:
        InvalidInput: a worker that takes nothing, or too much.
    """
    check_worker(worker)
    lost = await lost_tasks.end_lost_tasks(work, most=ENDED_AT_ONCE)
    await _settled(work, lost)
    taken = await repository.take_tasks(work, worker, until=work.now + duration)
    for id_ in (*lost, *(task.id for task in taken)):
        work.wake(channels.background_task(id_))
    return taken, await repository.next_instant(work)


async def list_workspaces_with_lost(work: UnitOfWork) -> list[UUID]:
    """Return workspaces where a call has lost its worker, or a cancel was not confirmed in time."""
    asked_before = work.now - CONFIRMED_WITHIN
    return await lost_tasks.list_workspaces_with_lost(
        work, asked_before=asked_before, most=ENDED_AT_ONCE
    )


async def settle_lost(work: UnitOfWork) -> int:
    """End or queue again what has lost its worker, and end what one does not stop; how many.

    A worker that is still there learns of it with its next renewal, and what it says changes
    nothing.
    """
    lost = await lost_tasks.end_lost_tasks(work, most=ENDED_AT_ONCE)
    asked_before = work.now - CONFIRMED_WITHIN
    forced = await lost_tasks.force_cancels(work, asked_before=asked_before, most=ENDED_AT_ONCE)
    if lost or forced:
        await _settled(work, [*lost, *forced])
        work.wake(channels.background_tasks(work.workspace_id))
    for id_ in (*lost, *forced):
        work.wake(channels.background_task(id_))
    return len(lost) + len(forced)


async def _settled(work: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Free what calls hold of concurrency limits that were taken from their workers.

    What became of them is told; not of one that its worker had not begun.
    """
    if not ids:
        return
    await _free_slots(work, ids)
    tasks = (await repository.get_many(work, ids)).values()
    await record_events(
        work,
        [
            _event(task, event_word(task.state_name) if task.ended_at else "worker_lost")
            for task in tasks
            if task.message is not None
        ],
    )


async def _free_slots(work: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Give others what calls hold of concurrency limits, and their places in line."""
    if await slot_holders.free_of_tasks(work, ids):
        work.wake(channels.slots(work.workspace_id))


def _event(task: BackgroundTask, word: str) -> NewEvent:
    shown = show(Kind.BACKGROUND_TASK, task.id)
    state = {"type": task.state_type, "name": task.state_name, "message": task.message}
    return NewEvent(
        name=f"background_task.{word}",
        resource_id=shown,
        resource={"id": shown, "kind": "background_task", "name": task.name},
        payload={
            "taskKey": task.task_key,
            "state": state,
            "epoch": task.epoch,
            "losses": task.losses,
        },
    )


async def start_task(work: UnitOfWork, lease: TaskLease, *, duration: timedelta) -> BackgroundTask:
    """Let a worker run what it took; safe to repeat.

    Raises:
        LeaseLost: another has it by now, or it is over.
    """
    started = await repository.start_task(work, lease, until=work.now + duration)
    if started is None:
        raise LeaseLost(_LOST)
    work.wake(channels.background_task(lease.id))
    return started


async def renew_leases(
    work: UnitOfWork, leases: Sequence[TaskLease], *, duration: timedelta
) -> list[LeaseVerdict]:
    """Keep the leases of a worker for longer, and say of each what became of it.

    Raises:
        InvalidInput: more than 1,000.
    """
    if len(leases) > MOST_LEASES:
        raise InvalidInput(f"At most {MOST_LEASES:,} leases are renewed at once.", path=["leases"])
    if not leases:
        return []
    held = await repository.renew_leases(work, leases, until=work.now + duration)
    return [_verdict(held.get(lease.id)) for lease in leases]


async def finish_task(work: UnitOfWork, lease: TaskLease, outcome: Outcome) -> BackgroundTask:
    """End a call with what came of it, or give it back; safe to repeat.

    What it holds of concurrency limits is free in the same transaction.

    Raises:
        InvalidInput: an outcome that is none.
        LeaseLost: another has it by now.
    """
    check_outcome(outcome)
    if outcome.state_type is StateType.SCHEDULED:
        given_back = await repository.find_task(work, lease.id, is_locked=True)
        if given_back is not None and given_back.cancel_requested_at is not None:
            outcome = _CANCELLED
    finished = await repository.finish_task(work, lease, outcome)
    if finished is None:
        found = await repository.find_task(work, lease.id)
        if found is None or not found.was_held_under(lease):
            raise LeaseLost(_LOST)
        return found
    await _free_slots(work, [finished.id])
    if finished.ended_at is not None:
        await record_events(work, [_event(finished, event_word(finished.state_name))])
    work.wake(channels.background_tasks(work.workspace_id), channels.background_task(finished.id))
    return finished


async def cancel_task(work: UnitOfWork, id_: UUID) -> BackgroundTask:
    """Cancel a call: at once where no worker has begun with it, else its worker is asked to stop.

    One that was about to begin is told that the call is another's by now. A worker that does not
    say within a minute that it stopped is waited for no longer: the call is over, and says so.

    Raises:
        NotFound: there is none.
    """
    found = await repository.find_task(work, id_, is_locked=True)
    if found is None:
        raise NotFound("No such background task, or you may not see it.", path=["id"])
    if found.ended_at is not None:
        return found
    is_over = found.state_type is not StateType.RUNNING
    cancelled = await repository.cancel_task(work, id_, is_over=is_over)
    if is_over:
        await _free_slots(work, [id_])
        await record_events(work, [_event(cancelled, event_word(cancelled.state_name))])
    work.wake(channels.background_task(id_))
    await record_action(work, "cancelled", kind=Kind.BACKGROUND_TASK, id_=id_, name=found.name)
    return cancelled


async def retry_task(work: UnitOfWork, id_: UUID) -> BackgroundTask:
    """Queue a call again that is over, with the arguments it had; its epochs go on.

    Raises:
        NotFound: there is none.
        IllegalTransition: it is not over.
    """
    found = await repository.find_task(work, id_, is_locked=True)
    if found is None:
        raise NotFound("No such background task, or you may not see it.", path=["id"])
    if found.ended_at is None:
        raise IllegalTransition(
            f"The task is {found.state_name}; only one that is over is queued again.",
            current=found.state_type,
            proposed=StateType.SCHEDULED,
        )
    queued = await repository.retry_task(work, found)
    await record_events(work, [_event(queued, "retried")])
    work.wake(channels.background_tasks(work.workspace_id), channels.background_task(id_))
    await record_action(work, "retried", kind=Kind.BACKGROUND_TASK, id_=id_, name=found.name)
    return queued


@dataclass(frozen=True, slots=True)
class AppendedLines:
    """What became of lines: how many had no room, and how long those were that did, in bytes."""

    dropped: int
    size_bytes: int


async def append_lines(
    work: UnitOfWork, lease: TaskLease, batch: LogBatch, *, offset: int, has_room: bool
) -> AppendedLines:
    """Write what a call logs, for the worker that has it or had it last; safe to repeat.

    Args:
        work: the unit of work.
        lease: the worker's, also once the call is over.
        batch: lines in columns.
        offset: how many lines of this attempt came before.
        has_room: whether the organization may log at all.

    Raises:
        InvalidInput: a negative offset.
        LeaseLost: another worker took the call.
    """
    if offset < 0:
        raise InvalidInput("offset is 0 or more.", path=["offset"])
    room = max(min(len(batch.message), MAX_LINES - offset), 0) if has_room else 0
    rows = range(room)
    if not await background_task_logs.append_lines(work, lease, batch, offset=offset, rows=rows):
        raise LeaseLost(_LOST)
    return AppendedLines(len(batch.message) - room, size_of(batch, rows))


async def find_task(work: UnitOfWork, id_: UUID) -> BackgroundTask | None:
    """Return a call; None where there is none."""
    return await repository.find_task(work, id_)


def _verdict(is_cancelled: bool | None) -> LeaseVerdict:  # noqa: FBT001 - an answer, not a switch
    if is_cancelled is None:
        return LeaseVerdict.LOST
    return LeaseVerdict.CANCEL_REQUESTED if is_cancelled else LeaseVerdict.RENEWED
