"""A clock for tests that only moves when somebody waits on it: delays take no time."""

import threading

MICROSECONDS = 1_000_000
BEGINNING_US = 1_000_000_000 * MICROSECONDS


class VirtualClock:
    """Jumps ahead by what the engine waits for: retries, polls and pauses of tasks.

    Each wait moves it, also those of tasks that wait beside each other. User code that calls
    ``time.sleep`` itself waits as ever.

    Args:
        now_us: what it begins with, in microseconds since the epoch, UTC.
    """

    def __init__(self, now_us: int = BEGINNING_US) -> None:
        self._now_us = now_us
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now_us(self) -> int:
        """Return microseconds since the epoch, UTC."""
        return self._now_us

    def sleep(self, seconds: float) -> None:
        """Jump ahead."""
        with self._lock:
            self.slept.append(seconds)
            self._now_us += int(seconds * MICROSECONDS)

    async def sleep_async(self, seconds: float) -> None:
        """Jump ahead."""
        self.sleep(seconds)

    @property
    def slept_seconds(self) -> float:
        """How long was waited in all."""
        return sum(self.slept)
