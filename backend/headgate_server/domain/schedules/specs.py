"""What a schedule may say about when it fires: a cron, an interval, or a recurrence rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from headgate_server.domain.errors import InvalidInput

DEFAULT_TIMEZONE = "UTC"
MIN_EVERY, MAX_EVERY = timedelta(seconds=1), timedelta(days=366)


class InvalidSpec(InvalidInput):
    """This does not say when to fire; correct it at the named place."""

    def __init__(
        self, message: str | None = None, *, path: Sequence[str], position: int | None = None
    ) -> None:
        """Hold where the mistake is: ``position`` counts characters from 0; None for all of it."""
        super().__init__(message, path=path)
        self.position = position


@dataclass(frozen=True, slots=True)
class CronSpec:
    """Five cron fields in a time zone.

    ``day_or``: where both the day of the month and the day of the week are limited, either is
    enough; otherwise both must match.
    """

    cron: str
    timezone: str = DEFAULT_TIMEZONE
    day_or: bool = True


@dataclass(frozen=True, slots=True)
class IntervalSpec:
    """Every so much time, counted from an anchor in both directions."""

    every: timedelta
    anchor: datetime

    @property
    def timezone(self) -> str:
        """Return UTC: elapsed time has no other."""
        return DEFAULT_TIMEZONE

    @property
    def origin(self) -> datetime:
        """Return the anchor in UTC: differences within any other zone are not elapsed time."""
        return self.anchor.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class RRuleSpec:
    """A recurrence rule of RFC 5545 in a time zone; ``start`` counts where it names no DTSTART."""

    rrule: str
    timezone: str = DEFAULT_TIMEZONE
    start: datetime | None = None


Spec = CronSpec | IntervalSpec | RRuleSpec


def check_interval(spec: IntervalSpec) -> IntervalSpec:
    """Return an interval within its limits.

    Raises:
        InvalidSpec: shorter than a second or longer than 366 days.
    """
    if not MIN_EVERY <= spec.every <= MAX_EVERY:
        raise InvalidSpec(
            "An interval is from 1 second to 366 days.", path=["spec", "interval", "every"]
        )
    return spec
