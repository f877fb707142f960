"""Records of cached results over the API: claim, write, release, forget.

Of all runs that want the result of a key, one has the lock to compute it; the others ask again.
"""

from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import Answer, LeaseInput, change, given
from headgate.api.transport import Transport

NOUN = "cache_records"


class CacheRecord(Answer, frozen=True):
    """Where the result of a key lies.

    Args:
        result: as it was written.
        expires_at: from when on it counts no more; None for never.
    """

    key: str
    result: Any
    written_at: datetime | None
    expires_at: datetime | None
    flow_run_id: str | None
    task_run_id: str | None


class CacheClaim(Answer, frozen=True):
    """The result, the lock to compute it, or who holds that.

    Args:
        locked: whether the caller has the lock.
        locked_until: until when the caller, or the holder, has it.
    """

    record: CacheRecord | None
    locked: bool
    locked_until: datetime | None
    holder_run_id: str | None


async def claim(
    transport: Transport,
    *,
    lease: LeaseInput,
    key: str,
    lock_token: str,
    lock_seconds: float = 300.0,
    is_refresh: bool = False,
) -> CacheClaim:
    """Ask for a result, or for the lock to compute it; safe to repeat.

    Args:
        lock_token: a UUID made here; who shows it again keeps the lock.
        lock_seconds: 1 to 3,600: after so long others may compute it.
        is_refresh: whether a result that is there counts not.
    """
    payload = await change(
        transport,
        NOUN,
        "CacheRecordClaim",
        input={
            "lease": lease.as_variables(),
            "key": key,
            "lockToken": lock_token,
            "lockFor": f"PT{lock_seconds:f}S",
            "refresh": is_refresh,
        },
    )
    return msgspec.convert(payload, CacheClaim)


async def write(
    transport: Transport,
    *,
    lease: LeaseInput,
    key: str,
    result: Any,
    lock_token: str | None = None,
    expires_at: str | None = None,
    task_run_id: str | None = None,
) -> None:
    """Store a result for every run that wants it, and let go of its lock; safe to repeat.

    Args:
        result: any JSON but null, at most 64 KiB: a reference where the result is larger.
        expires_at: an instant as the API writes it; never where it is None.

    Raises:
        ConflictError: another run has the lock by now.
    """
    wanted = given(lockToken=lock_token, expiresAt=expires_at, taskRunId=task_run_id)
    input_ = {"lease": lease.as_variables(), "key": key, "result": result, **wanted}
    await change(transport, NOUN, "CacheRecordWrite", input=input_)


async def release(transport: Transport, *, lease: LeaseInput, key: str, lock_token: str) -> bool:
    """Let go of a lock without a result, and return whether it was held."""
    input_ = {"lease": lease.as_variables(), "key": key, "lockToken": lock_token}
    payload = await change(transport, NOUN, "CacheRecordRelease", input=input_)
    return bool(payload["released"])


async def delete(transport: Transport, *, workspace_id: str, key: str) -> None:
    """Forget a result, so that the next run computes it.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    input_ = {"workspaceId": workspace_id, "key": key}
    await change(transport, NOUN, "CacheRecordDelete", input=input_)
