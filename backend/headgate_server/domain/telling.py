"""When something happened that its process tells of later, by a clock that may be wrong."""

from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""Clocks that are no further apart count as one."""
MAX_LATENESS = timedelta(days=30)
"""What happened longer ago is not told any more."""
LONGEST_AGO = timedelta(days=36_500)
"""Longer ago nothing happened: clocks that show the year 2 or 9998 keep within the calendar."""
MAX_AHEAD = timedelta(hours=25)
"""A clock may be wrong by a day; an id that is made further in the future is none."""


def when_told(said: datetime | None, *, sent_at: datetime | None, now: datetime) -> datetime:
    """Return when something happened, which is never later than now.

    Args:
        said: by the clock of whoever tells.
        sent_at: what that clock showed as it told. Without it nobody knows whether an instant that
            is far from now is long ago or the clock is wrong: then it counts as now.
        now: by our own clock.
    """
    if said is None:
        return now
    is_one_clock = abs((sent_at or said) - now) <= MAX_CLOCK_SKEW
    if is_one_clock:
        return min(said, now)
    if sent_at is None:
        return now
    return now - min(max(sent_at - said, timedelta()), LONGEST_AGO)


def check_made_id(id_: UUID, *, sent_at: datetime | None, now: datetime) -> datetime:
    """Return when the id was made that a client gave to what began in its own process.

    Raises:
        InvalidInput: no UUIDv7, or one of another age than what is told here may have.
    """
    made_at = ids.made_at(id_)
    if made_at is None:
        raise InvalidInput("An id made by a client is a UUIDv7.", path=["id"])
    age = (sent_at or now) - made_at
    if not -MAX_AHEAD <= age <= MAX_LATENESS:
        raise InvalidInput(
            f"An id made by a client was made within the last {MAX_LATENESS.days} days.",
            path=["id"],
        )
    return when_told(made_at, sent_at=sent_at, now=now)
