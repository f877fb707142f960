"""Concurrency limits: set, read and deleted; their slots taken, kept and given back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.background_tasks import TaskLease
from headgate_server.domain.changes import changed, check_absent, check_version, given
from headgate_server.domain.concurrency_limits import (
    MAX_TTL,
    MIN_TTL,
    Acquisition,
    ConcurrencyLimit,
    SlotRequest,
    Use,
    check_fits,
    check_limit,
    check_request,
)
from headgate_server.domain.errors import Conflict, InvalidInput, LeaseLost, NotFound
from headgate_server.domain.names import KEY
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories import background_tasks, concurrency_limits, slot_holders
from headgate_server.repositories.leases.guard import guard_grant
from headgate_server.repositories.leases.read import get_many_work_items
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.events import record_change

MAX_TAGS = 1_000
"""How many limited tags an engine is told; it asks for the others one by one."""
LAPSED_AT_ONCE = 1_000
_NEW: dict[str, Any] = {"limit": 1, "slot_decay_per_second": 0.0, "task_tag": None}

list_turns = concurrency_limits.list_turns
keep_waiting = concurrency_limits.keep_waiting
list_holders = slot_holders.list_holders
list_waiters = slot_holders.list_waiters


@dataclass(frozen=True, slots=True)
class LimitChanges:
    """What to set of a limit; what is UNSET keeps its value, or its default in a new one."""

    limit: int | UnsetType = UNSET
    slot_decay_per_second: float | UnsetType = UNSET
    task_tag: str | UnsetType | None = UNSET


async def upsert_limit(
    work: UnitOfWork,
    *,
    name: str,
    changes: LimitChanges,
    expected_version: int | None = None,
) -> tuple[ConcurrencyLimit, bool]:
    """Make or change the limit of a name, and say whether it was made.

    Who holds more than a lowered limit allows keeps it; nobody gets more until there is room. A
    raised one serves who waits at once.

    Raises:
        InvalidInput: a value out of range.
        Conflict: another limit is on the tag; or none was expected, and there is one.
        NotFound: a version is expected of a limit that does not exist.
        VersionConflict: the limit is not of the expected version.
    """
    wanted = given(changes)
    current = await concurrency_limits.lock_limit(work, name=name) if KEY.fullmatch(name) else None
    if current is None:
        values = _NEW | wanted
        check_limit(name=name, **values)
        if expected_version:
            raise NotFound
        made = await concurrency_limits.insert_limit(
            work, id_=ids.new_id(), name=name, values=values
        )
        if made is not None:
            await _record(work, made)
            work.wake(channels.slots(work.workspace_id))
            return made, True
        current = await concurrency_limits.lock_limit(work, name=name)
    if current is None:
        message = f"Another limit is on the tag {wanted.get('task_tag')!r}; change that one."
        raise Conflict(message, path=["taskTag"])
    check_absent(ids.show(ids.Kind.CONCURRENCY_LIMIT, current.id), expected=expected_version)
    check_version(current.version, expected=expected_version)
    return await _change(work, current, wanted), False


async def delete_limit(work: UnitOfWork, *, id_: UUID, expected_version: int | None = None) -> None:
    """Delete a limit; who holds slots of it goes on, and who waits for it waits no longer.

    Raises:
        NotFound: it is in another workspace, or does not exist.
        VersionConflict: it is not of the expected version.
    """
    current = await concurrency_limits.lock_limit(work, id_=id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    await concurrency_limits.delete_limit(work, id_=id_)
    await _record(work, current, [], verb="deleted", before=current)
    work.wake(channels.slots(work.workspace_id))


async def find_by_name(work: UnitOfWork, *, name: str) -> ConcurrencyLimit | None:
    """Return the limit of a name."""
    return await concurrency_limits.find_by_name(work, name=name) if KEY.fullmatch(name) else None


async def get_many_limits(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, ConcurrencyLimit]:
    """Return those of the limits that are in the workspace, by id."""
    return await concurrency_limits.get_many(work, ids_)


async def get_many_uses(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Use]:
    """Return how much of each limit is taken and waited for."""
    return await concurrency_limits.get_many_uses(work, ids_)


async def list_limits(work: UnitOfWork, *, page: PageRequest) -> Page[ConcurrencyLimit]:
    """Return a page of limits: the page key is ``(name, id)``."""
    return await concurrency_limits.list_limits(work, page=page)


async def count_limits(work: UnitOfWork, *, cap: int = COUNT_CAP) -> int:
    """Return how many limits there are; ``cap + 1`` stands for more than ``cap``."""
    return await concurrency_limits.count_limits(work, cap=cap)


async def find_holder(work: UnitOfWork, *, run_id: UUID) -> RunGrant:
    """Return what a run holds slots under: its lease as it is now.

    Raises:
        LeaseLost: nobody runs it now.
    """
    item = (await get_many_work_items(work, [run_id])).get(run_id)
    if item is None or item.token is None:
        raise LeaseLost("Only a run that somebody runs holds slots; this one is not running.")
    return RunGrant(run_id, item.epoch)


async def acquire_slots(
    work: UnitOfWork,
    request: SlotRequest,
    *,
    holder: RunGrant | None,
    task: TaskLease | None = None,
    patience: timedelta | None = None,
) -> Acquisition:
    """Take slots of every limit that a request names, or of none.

    They are rows under the limits' locks, and the rows are the count: two callers never share the
    last slot. Those that a run holds go as its lease does, in the same transaction, and only its
    live epoch gets any. Asked again with the same lease, it answers the same and takes no more.

    Args:
        work: the unit of work.
        request: what for.
        holder: the run that holds them, and under which epoch.
        task: the background task that holds them, as its worker shows it: they go as it ends, is
            given back or loses that worker.
        patience: how long the place in the line is kept; None for a caller who does not wait.

    Raises:
        InvalidInput: a value out of range, or a rate asked of what is none.
        LimitExceeded: more slots than there are.
        NotFound: no such limit, and the request is strict.
        LeaseLost: the run's lease, or the task's, is not live any more.
        IdempotencyMismatch: the lease holds other slots, or slots of other limits.
    """
    check_request(request)
    await _guard_holder(work, holder=holder, task=task)
    limits = await concurrency_limits.lock_limits(
        work, names=set(request.names), task_tags=set(request.task_tags)
    )
    known = {limit.name for limit in limits}
    missing = tuple(name for name in dict.fromkeys(request.names) if name not in known)
    check_fits(request, limits, missing=missing)
    found = Acquisition(is_acquired=True)
    if limits:
        found = await concurrency_limits.acquire_slots(
            work,
            request,
            limit_ids=[limit.id for limit in limits],
            holder=holder,
            task_id=task.id if task and holder is None else None,
            patience=patience,
        )
    listed = concurrency_limits.list_limited_tags
    tags = await listed(work, most=MAX_TAGS) if request.task_tags else ()
    return replace(found, missing=missing, limited_tags=tuple(tags))


async def _guard_holder(
    work: UnitOfWork, *, holder: RunGrant | None, task: TaskLease | None
) -> None:
    if holder is not None:
        await guard_grant(work, run_id=holder.run_id, epoch=holder.epoch)
    elif task is not None and not await background_tasks.guard_task(work, task):
        raise LeaseLost("The background task is another worker's by now, or over.")


async def renew_slots(
    work: UnitOfWork, *, lease_id: UUID, ttl: timedelta, run_id: UUID | None = None
) -> datetime:
    """Keep the slots of a lease longer, and return until when.

    Args:
        work: the unit of work.
        lease_id: which.
        ttl: how much longer.
        run_id: the run that renews, which may renew its own only; None for anybody else.

    Raises:
        InvalidInput: a time out of range.
        LeaseLost: the slots were given back, or their time was over.
    """
    if not MIN_TTL <= ttl <= MAX_TTL:
        raise InvalidInput("ttl is from 1 second to 1 day.", path=["ttl"])
    until = await concurrency_limits.renew_slots(work, lease_id=lease_id, ttl=ttl, run_id=run_id)
    if until is None:
        raise LeaseLost("These slots are not held any more; others may have them by now.")
    return until


async def release_slots(
    work: UnitOfWork, *, lease_id: UUID, run_id: UUID | None = None, is_by_person: bool = False
) -> None:
    """Give the slots of a lease back, or the place in the line.

    The audit log says of it where they are taken from somebody: by a person, or from a run by
    another than that run.

    Args:
        work: the unit of work.
        lease_id: which.
        run_id: the run that releases, which may release its own only; None for anybody else.
        is_by_person: somebody does it who is signed in.

    Raises:
        NotFound: nobody holds slots under this id, or does so any more.
    """
    freed = await concurrency_limits.release_slots(work, lease_id=lease_id, run_id=run_id)
    if freed is None:
        raise NotFound("Nobody holds slots under this id, or does so any more.")
    is_of_run = any(holder is not None for holder in freed.values())
    if is_by_person or (is_of_run and run_id is None):
        found = await concurrency_limits.get_many(work, list(freed))
        for limit in found.values():
            await record_action(
                work,
                "slots_released",
                kind=ids.Kind.CONCURRENCY_LIMIT,
                id_=limit.id,
                name=limit.name,
                said={"lease": ids.show(ids.Kind.CONCURRENCY_LEASE, lease_id)},
            )
    work.wake(channels.slots(work.workspace_id))


async def delete_lapsed(work: UnitOfWork) -> int:
    """Forget slots and places past their time; in how many workspaces there were any."""
    workspaces = await concurrency_limits.delete_lapsed(work, most=LAPSED_AT_ONCE)
    work.wake(*(channels.slots(workspace_id) for workspace_id in workspaces))
    return len(workspaces)


async def _change(
    work: UnitOfWork, current: ConcurrencyLimit, wanted: dict[str, Any]
) -> ConcurrencyLimit:
    differences = changed(current, wanted)
    check_limit(
        name=current.name,
        **{name: wanted.get(name, getattr(current, name)) for name in _NEW},
    )
    if not differences:
        return current
    tag = differences.get("task_tag")
    if isinstance(tag, str) and await concurrency_limits.find_by_tag(work, task_tag=tag):
        raise Conflict(f"Another limit is on the tag {tag!r}; change that one.")
    updated = await concurrency_limits.update_limit(work, id_=current.id, changes=differences)
    await concurrency_limits.change_pace(work, before=current, after=updated)
    await _record(work, updated, differences, before=current)
    work.wake(channels.slots(work.workspace_id))
    return updated


async def _record(
    work: UnitOfWork,
    limit: ConcurrencyLimit,
    changes: Collection[str] | None = None,
    *,
    verb: str | None = None,
    before: ConcurrencyLimit | None = None,
) -> None:
    await record_change(
        work,
        kind=ids.Kind.CONCURRENCY_LIMIT,
        id_=limit.id,
        name=limit.name,
        version=limit.version,
        changed=changes,
        verb=verb,
        before=before,
        after=None if verb else limit,
    )
