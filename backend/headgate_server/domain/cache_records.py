"""Records of cached results: where the result of a key lies, and who computes it just now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any
from uuid import UUID

from headgate_server.domain.documents import check_document, is_storable
from headgate_server.domain.errors import InvalidInput

MAX_KEY_LENGTH = 500
MAX_RESULT_BYTES = 64 * 1024
"""A reference to a result, or a small one itself."""
MIN_LOCK, MAX_LOCK = timedelta(seconds=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CacheRecord:
    """Where the result of a key lies; ``result`` is None as long as nobody has computed it.

    Args:
        expires_at: from when on it counts no more; None for never.
        lock_run_id: the run that computes it, as far as its lease is alive.
    """

    workspace_id: UUID
    key: str
    result: Any
    flow_run_id: UUID | None
    task_run_id: UUID | None
    written_at: datetime | None
    expires_at: datetime | None
    lock_token: UUID | None
    lock_run_id: UUID | None
    lock_epoch: int | None
    locked_until: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether there is a result that counts."""
        is_expired = self.expires_at is not None and self.expires_at <= now
        return self.written_at is not None and not is_expired

    def is_locked(self, now: datetime) -> bool:
        """Whether somebody said to compute it, and their time is not over."""
        return self.locked_until is not None and self.locked_until > now

    def is_locked_by(self, token: UUID | None) -> bool:
        """Whether this is the token of the lock, whether or not its time is over."""
        if self.lock_token is None or token is None:
            return False
        return compare_digest(self.lock_token.bytes, token.bytes)


@dataclass(frozen=True, slots=True)
class CacheClaim:
    """The answer to who wants a result: the record, the lock on it, or who holds that.

    Args:
        record: one that counts; None where the result is to be computed.
        locked_until: until when the caller, or the holder, has the lock.
        holder_run_id: the run that computes it instead of the caller.
    """

    record: CacheRecord | None = None
    is_locked: bool = False
    locked_until: datetime | None = None
    holder_run_id: UUID | None = None


def check_cache_key(key: str) -> str:
    """Return a key of a cached result.

    Raises:
        InvalidInput: it is empty, over-long, or cannot be stored.
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH or not is_storable(key):
        raise InvalidInput(f"key has 1 to {MAX_KEY_LENGTH} characters, and no NUL.", path=["key"])
    return key


def check_lock(length: timedelta) -> timedelta:
    """Return how long a result may take to be computed before others may.

    Raises:
        InvalidInput: less than a second, or more than seven days.
    """
    if not MIN_LOCK <= length <= MAX_LOCK:
        raise InvalidInput("lockFor is from 1 second to 7 days; claim again to keep the lock.")
    return length


def check_result(result: Any) -> Any:
    """Return a result that can be stored.

    Raises:
        InvalidInput: it is null, over 64 KiB, or no JSON.
    """
    if result is None:
        raise InvalidInput("result is not null: wrap it, as in {value: null}.", path=["result"])
    return check_document(result, field="result", most_bytes=MAX_RESULT_BYTES)
