"""Catch-up: what becomes of the instants that an outage missed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from headgate_server.domain.errors import InvalidInput

MAX_CATCH_UP = 1_000
DEFAULT_CATCH_UP = 100
MIN_WINDOW, MAX_WINDOW = timedelta(seconds=1), timedelta(days=31)
DEFAULT_WINDOW = timedelta(days=1)


class CatchUpPolicy(StrEnum):
    """What becomes of the fires that an outage missed."""

    SKIP = "SKIP"
    LATEST = "LATEST"
    ALL = "ALL"


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A policy, at most how many runs it makes, and how old a missed fire may be."""

    policy: CatchUpPolicy = CatchUpPolicy.SKIP
    max: int = DEFAULT_CATCH_UP
    window: timedelta = DEFAULT_WINDOW

    @property
    def most(self) -> int:
        """Return how many missed instants it gives a run to at most, be they fresh enough."""
        match self.policy:
            case CatchUpPolicy.SKIP:
                return 0
            case CatchUpPolicy.LATEST:
                return 1
            case CatchUpPolicy.ALL:
                return self.max


NO_CATCH_UP = CatchUp()
"""Every missed instant is skipped."""


def check_catch_up(catch_up: CatchUp) -> CatchUp:
    """Return a catch-up within its limits.

    Raises:
        InvalidInput: more than 1,000 runs, or a window beyond 31 days.
    """
    if not 1 <= catch_up.max <= MAX_CATCH_UP:
        raise InvalidInput(f"max is from 1 to {MAX_CATCH_UP}.", path=["catchUp", "max"])
    if not MIN_WINDOW <= catch_up.window <= MAX_WINDOW:
        raise InvalidInput("window is from 1 second to 31 days.", path=["catchUp", "window"])
    return catch_up


def choose(catch_up: CatchUp, missed: list[datetime], *, now: datetime) -> list[datetime]:
    """Return those of the missed instants that still get a run, oldest first."""
    fresh = [at for at in missed if at >= now - catch_up.window]
    return fresh[max(len(fresh) - catch_up.most, 0) :]
