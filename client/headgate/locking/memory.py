"""Locks for the threads of one process."""

import threading
import time
from dataclasses import dataclass


@dataclass(slots=True)
class _Held:
    holder: str
    until: float | None


class MemoryLockManager:
    """Keeps locks in the memory of this process; every instance is the same one."""

    _instance: "MemoryLockManager | None" = None
    _locks: dict[str, _Held]
    _changed: threading.Condition

    def __new__(cls) -> "MemoryLockManager":
        """Return the one of this process."""
        if cls._instance is None:
            made = super().__new__(cls)
            made._locks, made._changed = {}, threading.Condition()
            cls._instance = made
        return cls._instance

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Wait for the lock, and say whether the holder has it."""
        with self._changed:
            if not self._wait(key, timeout=acquire_timeout, holder=holder):
                return False
            until = None if hold_timeout is None else time.monotonic() + hold_timeout
            self._locks[key] = _Held(holder, until)
            return True

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back.

        Raises:
            ValueError: the holder does not have it.
        """
        with self._changed:
            found = self._locks.get(key)
            if found is None or found.holder != holder:
                message = f"{holder} does not hold the lock of {key!r}"
                raise ValueError(message)
            del self._locks[key]
            self._changed.notify_all()

    def is_locked(self, key: str) -> bool:
        """Say whether somebody has the lock."""
        with self._changed:
            return self._live(key) is not None

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Say whether this one has it."""
        with self._changed:
            found = self._live(key)
            return found is not None and found.holder == holder

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody has the lock, and say whether that came in time."""
        with self._changed:
            return self._wait(key, timeout=timeout, holder=None)

    def _live(self, key: str) -> _Held | None:
        found = self._locks.get(key)
        if found is None or (found.until is not None and found.until <= time.monotonic()):
            return None
        return found

    def _wait(self, key: str, *, timeout: float | None, holder: str | None) -> bool:
        ends_at = None if timeout is None else time.monotonic() + timeout
        while (found := self._live(key)) is not None and found.holder != holder:
            now = time.monotonic()
            rests = [end - now for end in (ends_at, found.until) if end is not None]
            if ends_at is not None and ends_at <= now:
                return False
            # Short waits, since a thread that waits without end cannot be interrupted.
            self._changed.wait(min([*rests, 0.5]))
        return True
