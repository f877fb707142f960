"""A clock that only moves when somebody sleeps on it, so that delays are exact and take no time."""

from collections.abc import Generator

import pytest

from headgate.clock import use_clock


class FrozenClock:
    """Keeps what it was asked to wait."""

    def __init__(self) -> None:
        self.microseconds = 1_000_000_000
        self.slept: list[float] = []

    def now_us(self) -> int:
        """Return the frozen instant."""
        return self.microseconds

    def sleep(self, seconds: float) -> None:
        """Jump ahead."""
        self.slept.append(seconds)
        self.microseconds += int(seconds * 1_000_000)

    async def sleep_async(self, seconds: float) -> None:
        """Jump ahead."""
        self.sleep(seconds)


@pytest.fixture
def clock() -> Generator[FrozenClock]:
    """The clock of this test and of the runs in it."""
    frozen = FrozenClock()
    with use_clock(frozen):
        yield frozen
