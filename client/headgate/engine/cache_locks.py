"""What keeps two runs from computing the same cached result: a lock manager, or the server."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Protocol

from headgate.api import cache_records
from headgate.api.background import background_loop
from headgate.api.transport import retry_delay_seconds
from headgate.cache_policies import CachePolicy
from headgate.engine.context import TaskRunContext
from headgate.engine.effects import Await, Offload, Steps
from headgate.errors import ApiError, ConflictError, RetryableApiError
from headgate.hashing import hash_values
from headgate.ids import make_uuid
from headgate.locking.protocol import IsolationLevel, LockManager
from headgate.logs import ENGINE
from headgate.reporting.server_run import ServerRun
from headgate.results.records import ResultRecord
from headgate.settings import Settings
from headgate.states import format_timestamp

logger = logging.getLogger(ENGINE)

HOLD_SECONDS = 7 * 86_400.0
"""The most that the server allows; a lock ends with the lease of the run that has it."""

MAX_KEY = 400
"""Of a key as it is shown on the server; a longer one is told by its hash."""


class Guard(Protocol):
    """Lets one run at a time compute a result."""

    def take(self, *, is_refresh: bool) -> Steps[bool]:
        """Say whether this run may compute the result now."""
        ...

    def finish(self, record: ResultRecord, *, path: str) -> Steps[None]:
        """Say that the result is there."""
        ...

    def give_back(self) -> Steps[None]:
        """Say that it will not be."""
        ...


def make_guard(
    context: TaskRunContext, policy: CachePolicy, *, key: str, settings: Settings
) -> Guard | None:
    """Return what a policy's isolation asks for; None where nobody waits."""
    if policy.isolation_level is not IsolationLevel.SERIALIZABLE:
        return None
    recorder = context.flow_run.recorder if context.flow_run else None
    if policy.lock_manager is not None:
        return _Locked(policy.lock_manager, key=key, holder=context.run.id)
    if isinstance(recorder, ServerRun):
        return _Recorded(recorder, key=key, task_run_id=context.run.id)
    import headgate.locking.filesystem as filesystem  # noqa: PLC0415 - named lazy-import place: psutil

    files = filesystem.FileSystemLockManager(settings.results_folder / "locks")
    return _Locked(files, key=key, holder=context.run.id)


class _Locked:
    """Holds the lock of a lock manager."""

    def __init__(self, manager: LockManager, *, key: str, holder: str) -> None:
        self._manager = manager
        self._key = key
        self._holder = holder

    def take(self, *, is_refresh: bool) -> Steps[bool]:
        """Take the lock if it is free: who waits can be stopped between two looks."""
        del is_refresh
        return (yield Offload(self._manager.acquire_lock, self._key, self._holder, 0.0))

    def finish(self, record: ResultRecord, *, path: str) -> Steps[None]:
        """Give the lock back."""
        del record, path
        yield from self.give_back()

    def give_back(self) -> Steps[None]:
        """Give the lock back; one whose time was over may be another's by now."""
        try:
            yield Offload(self._manager.release_lock, self._key, self._holder)
        except ValueError as error:
            logger.debug("The lock was lost before it was given back: %s", error)


class _Recorded:
    """Holds the lock of the server's record of the key, under the lease of the run.

    A server that is away stops nobody: then two runs may compute the same. What it could not be
    told it is told as soon as it is back: until then others wait for a lock that nobody needs.
    """

    def __init__(self, recorder: ServerRun, *, key: str, task_run_id: str) -> None:
        self._recorder = recorder
        self._key = key if len(key) <= MAX_KEY else f"hash:{hash_values(key)}"
        self._token = make_uuid()
        self._task_run_id = task_run_id

    def take(self, *, is_refresh: bool) -> Steps[bool]:
        """Claim the record."""
        try:
            claim = yield from self._claim(is_refresh=is_refresh)
            if claim.record is not None:
                # The record says that there is a result, and there is none where this run looks.
                claim = yield from self._claim(is_refresh=True)
        except ApiError as error:
            self._go_without(error)
            return True
        return claim.locked

    def finish(self, record: ResultRecord, *, path: str) -> Steps[None]:
        """Write to the record where the result is, which lets go of it."""
        expires = None
        if record.expires_us is not None:
            expires = format_timestamp(datetime.fromtimestamp(record.expires_us / 1e6, tz=UTC))
        result = {
            "path": path,
            "serializer": record.serializer,
            "checksum": record.checksum,
            "sizeBytes": record.size_bytes,
        }

        async def write() -> None:
            await cache_records.write(
                self._recorder.transport,
                lease=self._recorder.lease,
                key=self._key,
                result=result,
                lock_token=self._token,
                expires_at=expires,
                task_run_id=self._task_run_id,
            )

        yield from self._tell(write)

    def give_back(self) -> Steps[None]:
        """Release the record."""

        async def release() -> None:
            await cache_records.release(
                self._recorder.transport,
                lease=self._recorder.lease,
                key=self._key,
                lock_token=self._token,
            )

        yield from self._tell(release)

    def _tell(self, tell: "_Tell") -> Steps[None]:
        try:
            yield Await(background_loop().submit(tell()))
        except ConflictError as error:
            logger.debug("Another run computed %s as well: %s", self._key, error)
        except RetryableApiError as error:
            self._go_without(error)
            _telling.add(telling := background_loop().submit(_tell_later(tell, key=self._key)))
            telling.add_done_callback(_telling.discard)
        except ApiError as error:
            self._go_without(error)

    def _claim(self, *, is_refresh: bool) -> Steps[Any]:
        claiming = cache_records.claim(
            self._recorder.transport,
            lease=self._recorder.lease,
            key=self._key,
            lock_token=self._token,
            lock_seconds=HOLD_SECONDS,
            is_refresh=is_refresh,
        )
        return (yield Await(background_loop().submit(claiming)))

    def _go_without(self, error: ApiError) -> None:
        logger.warning("The cache goes without the server's lock of %r: %s", self._key, error)


_Tell = Callable[[], Coroutine[Any, Any, None]]
_telling: set[Future[None]] = set()


async def _tell_later(tell: _Tell, *, key: str) -> None:
    """Tell the server until it has heard, or refuses: the lock has ended with the run by then."""
    attempt, wish_seconds = 0, None
    while True:
        await asyncio.sleep(retry_delay_seconds(attempt, wish_seconds=wish_seconds))
        try:
            await tell()
        except RetryableApiError as error:
            attempt, wish_seconds = attempt + 1, error.retry_after_seconds
        except ApiError as error:
            logger.debug("The server's lock of %r has ended: %s", key, error)
            return
        else:
            return
