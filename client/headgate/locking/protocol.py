"""What every lock manager does, and how strictly a cache is kept to itself."""

from enum import StrEnum
from typing import Protocol, runtime_checkable


class IsolationLevel(StrEnum):
    """What of a cached result others see while it is computed."""

    READ_COMMITTED = "READ_COMMITTED"
    """Whoever finds no result computes one: two may at once, and the later one stays."""
    SERIALIZABLE = "SERIALIZABLE"
    """One computes it under a lock, and the others wait for it."""


@runtime_checkable
class LockManager(Protocol):
    """Gives the lock of a key to one holder at a time; may be called from any thread."""

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Wait for the lock, and say whether the holder has it.

        Args:
            key: what is locked.
            holder: who asks; who has the lock gets it again.
            acquire_timeout: seconds to wait at most; None for as long as it takes.
            hold_timeout: seconds after which others may have it; None for as long as the holder
                lives.
        """
        ...

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back.

        Raises:
            ValueError: the holder does not have it.
        """
        ...

    def is_locked(self, key: str) -> bool:
        """Say whether somebody has the lock."""
        ...

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Say whether this one has it."""
        ...

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody has the lock, and say whether that came in time."""
        ...
