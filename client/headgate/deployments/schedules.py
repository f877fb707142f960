"""When a deployment runs by itself: schedules as authors write them and as the API takes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from headgate import elsewhere
from headgate.api.calls import given
from headgate.errors import SettingsError

LONGEST_SECONDS = 100 * 366 * 86_400
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_ISO = re.compile(
    r"P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_CLOCK = re.compile(r"(?P<h>\d+):(?P<m>\d{2}):(?P<s>\d{2}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """Fires by a cron expression, on the clock of a time zone.

    Args:
        slug: names the schedule within its deployment, so that a redeploy changes it and makes no
            second one; ``default`` for the only one.
        day_or: whether a day must fit both day fields, or one of them, as cron has it.
    """

    cron: str
    timezone: str = "UTC"
    day_or: bool = True
    slug: str | None = None
    is_active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])

    def as_spec(self) -> dict[str, Any]:
        """Return the API's ``ScheduleSpecInput``."""
        return {"cron": {"cron": self.cron, "timezone": self.timezone, "dayOr": self.day_or}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Fires again and again, so long after the anchor.

    Args:
        anchor: an aware time; the server chooses one if there is none.
    """

    every: timedelta
    anchor: datetime | None = None
    slug: str | None = None
    is_active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])

    def as_spec(self) -> dict[str, Any]:
        """Return the API's ``ScheduleSpecInput``."""
        anchor = self.anchor.isoformat() if self.anchor else None
        return {"interval": given(every=as_iso(self.every), anchor=anchor)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RRule:
    """Fires by a recurrence rule of RFC 5545, on the clock of a time zone.

    Args:
        rrule: such as ``FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17``; lines of DTSTART, RDATE and EXDATE
            may go with it. It counts from when it is deployed where it names no DTSTART.
    """

    rrule: str
    timezone: str = "UTC"
    slug: str | None = None
    is_active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])

    def as_spec(self) -> dict[str, Any]:
        """Return the API's ``ScheduleSpecInput``."""
        return {"rrule": {"rrule": self.rrule, "timezone": self.timezone}}


Schedule = Cron | Interval | RRule


def as_input(schedules: Sequence[Schedule]) -> list[dict[str, Any]]:
    """Return the API's ``DeploymentScheduleInput`` of each, with a slug of its own."""
    return [
        given(
            slug=schedule.slug or ("default" if index == 0 else f"schedule-{index + 1}"),
            spec=schedule.as_spec(),
            active=schedule.is_active,
            parameters=schedule.parameters or None,
        )
        for index, schedule in enumerate(schedules)
    ]


def read_length(text: str | float) -> timedelta:
    """Read a length of time: seconds as a number, or ``1h30m``, ``PT90M``, ``1:30:00``.

    Raises:
        SettingsError: it is no length of time, or none of a schedule.
    """
    seconds = _seconds(str(text).strip())
    if seconds is None or not 0 < seconds <= LONGEST_SECONDS:
        message = (
            f"{text!r} is no length of time; write seconds, or units as in 90s, 5m, 1h30m, 1d, PT5M"
        )
        raise SettingsError(message)
    return timedelta(seconds=seconds)


def as_iso(length: timedelta | None) -> str | None:
    """Return a length of time as the API takes it."""
    if length is None:
        return None
    return f"PT{length.total_seconds():.6f}".rstrip("0").rstrip(".") + "S"


def _seconds(text: str) -> float | None:
    if _LENGTH.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    named = _ISO.fullmatch(text) or _CLOCK.fullmatch(text)
    if named is not None and any(named.groups()):
        return sum(float(number) * _UNITS[unit] for unit, number in named.groupdict("0").items())
    try:
        return float(text)
    except ValueError:
        return None


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
