"""Crons: the wall-clock times that five fields name."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cronsim import CronSim, CronSimError

from headgate_server.domain.schedules.specs import CronSpec, InvalidSpec
from headgate_server.domain.schedules.steps import Steps

MAX_LENGTH = 200
PATH = ("spec", "cron", "cron")

_ANY = datetime(2000, 1, 1)  # noqa: DTZ001  a wall-clock time
_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")


@dataclass(frozen=True, slots=True)
class Days:
    """What a cron names: days, and ``clocks``, the times of each of them after midnight."""

    cron: CronSim
    clocks: tuple[timedelta, ...]

    def has_day(self, day: date) -> bool:
        """Whether it fires on a day."""
        return day.month in self.cron.months and self.cron.match_day(day)


def days(spec: CronSpec) -> Days:
    """Return the days and the times that a cron names.

    Raises:
        InvalidSpec: as ``walls`` says.
    """
    cron = _read(spec, after=_ANY)
    clocks = (
        timedelta(hours=hour, minutes=minute)
        for hour in sorted(cron.hours)
        for minute in sorted(cron.minutes)
    )
    return Days(cron, tuple(clocks))


def walls(spec: CronSpec, *, after: datetime, steps: Steps) -> Iterator[datetime]:
    """Return the wall-clock times after another one, in order; none for a day there is not.

    Raises:
        InvalidSpec: not a cron; the position is that of the field at fault.
    """
    return _counted(_read(spec, after=after), after, steps)


def _counted(cron: CronSim, after: datetime, steps: Steps) -> Iterator[datetime]:
    """Count a time that a cron names, and each day that it leaps over, as a step."""
    for wall in cron:
        steps.taken += 1 + (wall - after).days
        after = wall
        yield wall


def _read(spec: CronSpec, *, after: datetime) -> CronSim:
    try:
        if len(spec.cron) > MAX_LENGTH or len(spec.cron.split()) != len(_FIELDS):
            raise CronSimError("A cron has five fields")
        cron = CronSim(spec.cron, after)
    except (CronSimError, AssertionError, ValueError) as error:
        reason = str(error) or "Malformed"
        raise InvalidSpec(
            f"{reason}: a cron is minute, hour, day of month, month and day of week, such as "
            "`0 6 * * MON-FRI`.",
            path=PATH,
            position=_position(spec.cron, reason),
        ) from None
    if not spec.day_or:
        cron.day_and = True
    return cron


def is_by_elapsed_time(spec: CronSpec) -> bool:
    """Whether it names no hour and minute, so that both passes of an overlap count."""
    minute, hour = spec.cron.split()[:2]
    return minute.startswith("*") or hour.startswith("*")


def _position(cron: str, reason: str) -> int | None:
    """Return where the field begins that the parser's message names."""
    name = reason.removeprefix("Bad ")
    if name not in _FIELDS:
        return None
    at = 0
    for field in cron.split()[: _FIELDS.index(name) + 1]:
        at = cron.index(field, at) + len(field)
    return at - len(cron.split()[_FIELDS.index(name)])
