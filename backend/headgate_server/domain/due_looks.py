"""Where a look for due runs begins: what is known to be empty is not gone over each time.

A row that has been handed out is dead, but stays in the indexes for as long as anybody holds a
snapshot from before, such as a backup: a look from the beginning goes over all of them. So it
begins where the oldest due run was last seen, and where the oldest run was that agents hold. What
comes due or is handed out later lies behind that. What becomes ready again with an older time, as
an offer that was not taken or the run of a deployment that was paused, is found by a look from the
beginning, which takes no more than a share of the time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

SLACK = timedelta(seconds=5)
"""Runs are due, and offered, at the time that a transaction began: it is committed later."""
CHEAP_SECONDS = 0.005
"""A look from the beginning that takes no longer is made every time."""
REST_TIMES = 10
"""The next one comes after so many times as long as the last one took."""
EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a look at a pool begins: since when runs are due, and since when they are held."""

    due: datetime = EARLIEST
    held: datetime = EARLIEST


@dataclass(frozen=True, slots=True)
class Oldest:
    """Since when the oldest due run of a pool is, and when the oldest was offered that is held."""

    due: datetime | None
    held: datetime | None


@dataclass(slots=True)
class DueLooks:
    """The looks at one pool of one replica, one after another.

    Args:
        clock: seconds that only grow.
    """

    clock: Callable[[], float] = field(default=time.monotonic)
    _start: Start = Start()
    _whole_at: float = 0.0
    _began_at: float = 0.0
    _is_whole: bool = True

    def begin(self) -> Start:
        """Return where a look begins."""
        self._began_at = self.clock()
        self._is_whole = self._began_at >= self._whole_at
        return Start() if self._is_whole else self._start

    def note(self, found: Oldest, *, now: datetime) -> Start:
        """Note what the look found that was begun last, and return where others may begin.

        Args:
            found: the oldest from where it began.
            now: the database's time as the look was made.
        """
        if self._is_whole:
            ended_at = self.clock()
            seconds = ended_at - self._began_at
            self._whole_at = ended_at + (REST_TIMES * seconds if seconds > CHEAP_SECONDS else 0.0)
        self._start = Start(_before(found.due, now), _before(found.held, now))
        return self._start

    def seconds_left(self) -> float | None:
        """Return how soon to look from the beginning; None where the last look did."""
        return None if self._is_whole else max(self._whole_at - self.clock(), 0.0)


def _before(oldest: datetime | None, now: datetime) -> datetime:
    return min(oldest or now, now) - SLACK
