"""Cached results across runs: claimed, written and released under the lease of a run.

Of those who want the same result one computes it, with a lock that ends by itself: when its time is
over, or with the lease of the run that holds it. What a holder writes that lost its lock meanwhile
is refused: another has it, or had it and has written, or the result was forgotten.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.cache_records import (
    CacheClaim,
    CacheRecord,
    check_cache_key,
    check_lock,
    check_result,
)
from headgate_server.domain.errors import Conflict, InvalidInput, NotFound
from headgate_server.domain.ids import Kind
from headgate_server.domain.leases import LeaseRef
from headgate_server.repositories import cache_records as repository
from headgate_server.repositories.leases.guard import guard_lease
from headgate_server.services.audit_entries.record import record_action

_UNLOCKED: dict[str, Any] = dict.fromkeys(
    ("lock_token", "lock_run_id", "lock_epoch", "locked_until")
)


async def claim_record(
    work: UnitOfWork,
    *,
    key: str,
    lease: LeaseRef,
    token: UUID,
    lock_for: timedelta,
    is_refresh: bool = False,
) -> CacheClaim:
    """Return the result of a key, or the lock to compute it, or who holds that.

    Claimed again with the same token, the lock is kept for longer.

    Args:
        work: the unit of work.
        key: of the result.
        lease: of the run that wants it.
        token: made by the client: who shows it again has the lock still.
        lock_for: after how long others may compute it.
        is_refresh: whether a result that is there counts not.

    Raises:
        InvalidInput: a bad key or length of time.
        LeaseLost: the lease is not live.
    """
    check_cache_key(key)
    check_lock(lock_for)
    await guard_lease(work, lease=lease, flow_run_id=lease.run_id)
    record = await repository.lock_record(work, key=key)
    if record.is_good(work.now) and not is_refresh:
        return CacheClaim(record=record)
    if not record.is_locked_by(token) and await _is_held(work, record):
        return CacheClaim(locked_until=record.locked_until, holder_run_id=record.lock_run_id)
    until = work.now + lock_for
    held = {
        "lock_token": token,
        "lock_run_id": lease.run_id,
        "lock_epoch": lease.epoch,
        "locked_until": until,
    }
    await repository.update_record(work, key=key, changes=held)
    return CacheClaim(is_locked=True, locked_until=until)


async def write_record(
    work: UnitOfWork,
    *,
    key: str,
    lease: LeaseRef,
    token: UUID | None,
    result: Any,
    expires_at: datetime | None = None,
    task_run_id: UUID | None = None,
) -> CacheRecord:
    """Store where the result of a key lies, and let go of the lock.

    What was written already, and is sent again, changes nothing.

    Args:
        work: the unit of work.
        key: of the result.
        lease: of the run that has computed it.
        token: of the lock; None for who took none, which overwrites what is there.
        result: where it lies.
        expires_at: from when on it counts no more.
        task_run_id: the task run that computed it.

    Raises:
        InvalidInput: a bad key or result, or one that has expired already.
        LeaseLost: the lease is not live.
        Conflict: another holds the lock by now, or the token is of none any more.
    """
    check_cache_key(key)
    check_result(result)
    if expires_at is not None and expires_at <= work.now:
        raise InvalidInput("expiresAt lies in the past.", path=["expiresAt"])
    await guard_lease(work, lease=lease, flow_run_id=lease.run_id)
    record = await repository.lock_record(work, key=key)
    written = {
        "result": result,
        "flow_run_id": lease.run_id,
        "task_run_id": task_run_id,
        "expires_at": expires_at,
    }
    if not record.is_locked_by(token):
        if all(getattr(record, name) == value for name, value in written.items()):
            return record
        await _refuse_who_lost_it(work, record, token=token)
    changes = {**written, "written_at": work.now, **_UNLOCKED}
    return await repository.update_record(work, key=key, changes=changes)


async def _refuse_who_lost_it(work: UnitOfWork, record: CacheRecord, *, token: UUID | None) -> None:
    if await _is_held(work, record):
        raise Conflict("Another run computes this result by now; use its result.", path=["key"])
    if token is not None:
        raise Conflict(
            "The lock ended meanwhile: another run has written, or the result was forgotten. "
            "Claim it again.",
            path=["lockToken"],
        )


async def release_record(work: UnitOfWork, *, key: str, lease: LeaseRef, token: UUID) -> bool:
    """Let go of a lock without a result, and say whether it was held.

    Raises:
        InvalidInput: a bad key.
        LeaseLost: the lease is not live; the lock has ended with it.
    """
    check_cache_key(key)
    await guard_lease(work, lease=lease, flow_run_id=lease.run_id)
    record = await repository.find_record(work, key=key)
    if record is None or not record.is_locked_by(token):
        return False
    record = await repository.lock_record(work, key=key)
    if not record.is_locked_by(token):
        return False
    await repository.update_record(work, key=key, changes=dict(_UNLOCKED))
    return True


async def find_record(work: UnitOfWork, *, key: str) -> CacheRecord | None:
    """Return the record of a key; one that has expired is still shown."""
    return await repository.find_record(work, key=check_cache_key(key))


async def delete_record(work: UnitOfWork, *, key: str) -> None:
    """Forget the result of a key, so that the next run computes it.

    Raises:
        NotFound: there is none.
    """
    if not await repository.delete_record(work, key=check_cache_key(key)):
        raise NotFound("There is no cached result of this key.", path=["key"])
    await record_action(
        work,
        "cache_record_deleted",
        kind=Kind.WORKSPACE,
        id_=work.workspace_id,
        name=key,
        said={"key": key},
    )


async def _is_held(work: UnitOfWork, record: CacheRecord) -> bool:
    """Whether somebody has the lock whose lease is alive."""
    if not record.is_locked(work.now) or record.lock_run_id is None or record.lock_epoch is None:
        return False
    return await repository.is_held(work, run_id=record.lock_run_id, epoch=record.lock_epoch)
