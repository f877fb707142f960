"""Where Python code takes the time from. Decisions about runs use the database's clock instead."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

MAX_EPOCH_US = 253_402_300_799_999_999
"""The last microsecond of the year 9999, which is as far as everybody's calendars go."""


def is_instant(at_us: int) -> bool:
    """Whether microseconds since the epoch are an instant that can be stored and shown."""
    return 0 <= at_us <= MAX_EPOCH_US


def to_epoch_us(at: datetime) -> int:
    """Return an instant in microseconds since the epoch."""
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251  the one place that reads the machine's clock
