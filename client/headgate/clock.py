"""The clock that states, retries and delays read; a test may put another in its place."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine asks of time."""

    def now_us(self) -> int:
        """Return microseconds since the epoch, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        ...

    async def sleep_async(self, seconds: float) -> None:
        """Let other coroutines run meanwhile."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """Return microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Let other coroutines run meanwhile."""
        await asyncio.sleep(seconds)


_SYSTEM_CLOCK = SystemClock()
_clock: ContextVar[Clock | None] = ContextVar("headgate_clock", default=None)


def current_clock() -> Clock:
    """Return the clock of this context."""
    return _clock.get() or _SYSTEM_CLOCK


def now_us() -> int:
    """Return microseconds since the epoch, UTC, by this context's clock."""
    return (_clock.get() or _SYSTEM_CLOCK).now_us()


def now() -> datetime:
    """Return this instant in UTC, by this context's clock."""
    return datetime.fromtimestamp(now_us() / 1_000_000, tz=UTC)


@contextmanager
def use_clock(clock: Clock) -> Generator[None]:
    """Make ``clock`` the clock of this context and of the runs started in it."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)
