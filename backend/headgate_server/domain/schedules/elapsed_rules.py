"""Recurrence rules of every so many hours or minutes, which go by elapsed time.

Such a rule fires as it would without its INTERVAL, but only in every so-many-th of the hours, or
minutes, that have passed since it began: however the clocks change meanwhile. One that names hours
means the clock's, and is none of these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from headgate_server.domain.schedules.rule_days import has_day, leap
from headgate_server.domain.schedules.rule_texts import Frequency, Rule

_HOUR, _MINUTE, _TICK = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)
_STEADY = timedelta(days=6)
"""No zone changes its clocks and back within that."""


def is_elapsed(rule: Rule) -> bool:
    """Whether a rule's INTERVAL counts elapsed time."""
    return rule.interval > 1 and rule.frequency >= Frequency.HOURLY and not rule.hours


def periods(
    rule: Rule, start: datetime, since: datetime, *, zone: ZoneInfo
) -> Iterator[list[datetime]]:
    """Yield the instants of each hour or minute that counts; of those that do not match, none.

    Args:
        rule: an elapsed one.
        start: the instant at which it begins.
        since: an instant, which the first period holds.
        zone: whose clock tells days and minutes.
    """
    start = start.astimezone(UTC)
    unit = _HOUR if rule.frequency is Frequency.HOURLY else _MINUTE
    begun = start.astimezone(zone).replace(tzinfo=None)
    origin, step = start - _place(begun, unit), unit * rule.interval
    clocks = _clocks(rule, begun, unit)
    number = max((since - origin) // step, 0)
    stretch: _Stretch | None = None
    while True:
        at = origin + number * step
        if step > _STEADY and not _has_day(rule, begun.date(), at, at + unit, zone):
            yield []
            number += 1
            continue
        if stretch is None or at + unit > stretch.until:
            stretch = _Stretch.find(at, zone=zone, unit=unit, clocks=clocks)
        marks, next_day = stretch.match(at, rule, begun.date())
        yield marks
        number += 1
        if next_day is not None and (there := stretch.leap_to(next_day)) is not None:
            number = max(number, (there - origin) // step)


@dataclass(slots=True)
class _Stretch:
    """Periods of which the first begins at an instant, and what the clock does in them.

    Args:
        shift: how far the clock is from UTC at the beginning.
        until: to when it stays so; where it does not, to the end of the first period.
        zone: whose clock.
        offsets: how long after a period begins the clock shows a wanted time, and how far the clock
            is from UTC then.
    """

    shift: timedelta
    until: datetime
    zone: ZoneInfo
    offsets: list[tuple[timedelta, timedelta]]

    @classmethod
    def find(
        cls, at: datetime, *, zone: ZoneInfo, unit: timedelta, clocks: frozenset[timedelta]
    ) -> "_Stretch":
        shift, until = _shift(at, zone), at + _STEADY
        if _shift(until, zone) == shift:
            place = _place(_wall(at, shift), unit)
            offsets = [((clock - place) % unit, shift) for clock in clocks]
            offsets.sort()
            return cls(shift, until, zone, offsets)
        # Before and after a change by a part of a unit a time is shown at other instants.
        found: dict[timedelta, timedelta] = {}
        for passed in (timedelta(), unit - _TICK):
            place = _place(_wall(at + passed, _shift(at + passed, zone)), unit) - passed
            for offset in ((clock - place) % unit for clock in clocks):
                other = _shift(at + offset, zone)
                if _place(_wall(at + offset, other), unit) in clocks:
                    found[offset] = other
        return cls(shift, at + unit, zone, sorted(found.items()))

    def match(
        self, at: datetime, rule: Rule, start: date
    ) -> tuple[list[datetime], datetime | None]:
        """Return the matching instants of a period, and where to look next if its last is none."""
        marks: list[datetime] = []
        later: datetime | None = None
        for offset, shift in self.offsets:
            later = leap(rule, _wall(at + offset, shift), start)
            if later is None:
                marks.append(at + offset)
        return marks, later

    def leap_to(self, wall: datetime) -> datetime | None:
        """Return when the clock shows a time; None where it changes until then."""
        at = wall.replace(tzinfo=UTC) - self.shift
        return at if at <= self.until or _shift(at, self.zone) == self.shift else None


def _has_day(rule: Rule, start: date, since: datetime, until: datetime, zone: ZoneInfo) -> bool:
    """Whether a day of a short time matches."""
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    return has_day(rule, first, start) or (last != first and has_day(rule, last, start))


def _shift(at: datetime, zone: ZoneInfo) -> timedelta:
    """Return how far the clock is from UTC at an instant."""
    return at.astimezone(zone).utcoffset() or timedelta()


def _wall(at: datetime, shift: timedelta) -> datetime:
    return at.replace(tzinfo=None) + shift


def _place(wall: datetime, unit: timedelta) -> timedelta:
    """Return how far the clock is into its hour, or its minute."""
    hour = timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)
    return hour if unit == _HOUR else hour % unit


def _clocks(rule: Rule, begun: datetime, unit: timedelta) -> frozenset[timedelta]:
    """Return what the clock shows of an hour, or a minute, as the rule fires."""
    minutes = (rule.minutes or (begun.minute,)) if unit == _HOUR else (0,)
    return frozenset(
        timedelta(minutes=minute, seconds=second)
        for minute in minutes
        for second in rule.seconds or (begun.second,)
    )
