"""How long runs take: percentiles over a window, of samples that are bounded."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.run_counts import MAX_RANGE, MIN_BUCKET

WEEK = timedelta(days=7)
SAMPLE = 1_000
"""So many of the latest runs of a window are looked at, however many there are."""
BUCKET_SAMPLE = 200
MAX_BUCKETS = 100


class RunOwner(StrEnum):
    """Whose runs are measured."""

    FLOW = "FLOW"
    DEPLOYMENT = "DEPLOYMENT"


@dataclass(frozen=True, slots=True)
class RunDurations:
    """What the latest runs of a window tell: how many ended well or not, and how long they took.

    The percentiles are of completed runs, from the first start to the end, as a run's own duration
    is shown: what a person waited for it, pauses and retries included; None without any.
    """

    completed: int = 0
    failed: int = 0
    p50: timedelta | None = None
    p95: timedelta | None = None


@dataclass(frozen=True, slots=True)
class DurationBuckets:
    """Buckets of one size, from ``low`` until before ``high``; the last may be cut short."""

    low: datetime
    high: datetime
    size: timedelta

    @property
    def starts(self) -> list[datetime]:
        """Return when each begins."""
        count = -((self.low - self.high) // self.size)
        return [self.low + place * self.size for place in range(count)]


def check_window(window: timedelta) -> timedelta:
    """Return how far back to look.

    Raises:
        InvalidInput: nothing, or too far.
    """
    if not MIN_BUCKET <= window <= MAX_RANGE:
        raise InvalidInput(f"window is from a minute to {MAX_RANGE.days} days.", path=["window"])
    return window


def duration_buckets(low: datetime, high: datetime, *, size: timedelta) -> DurationBuckets:
    """Return the buckets of a trend.

    Raises:
        InvalidInput: too small, too many, over too long a time, or none at all.
    """
    if size < MIN_BUCKET:
        raise InvalidInput("bucket is at least one minute.", path=["bucket"])
    if not low < high:
        raise InvalidInput("from is before to.", path=["from"])
    if high - low > MAX_RANGE:
        raise InvalidInput(f"From from to to is at most {MAX_RANGE.days} days.", path=["from"])
    buckets = DurationBuckets(low, high, size)
    if -((low - high) // size) > MAX_BUCKETS:
        raise InvalidInput(
            f"A trend has at most {MAX_BUCKETS} buckets; take larger ones.", path=["bucket"]
        )
    return buckets
