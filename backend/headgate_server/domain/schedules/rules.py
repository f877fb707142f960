"""Recurrence rules: the times that they name, and their instants.

A rule is walked period by period, from the period that holds the time asked for: how long ago it
began costs nothing. What it looks at without a result is bounded, so no rule holds its caller up.
Of a rule's first period only what lies before its start is left out: positions count whole periods.
"""

import calendar
import heapq
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby, islice, takewhile

from headgate_server.domain.schedules import rule_texts
from headgate_server.domain.schedules.rule_texts import Frequency, Rule, RuleText
from headgate_server.domain.schedules.specs import DEFAULT_TIMEZONE, InvalidSpec, RRuleSpec
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.wall_clocks import by_elapsed_time, by_wall_clock, find_zone

MAX_IDLE_STEPS = 20_000
"""How many days, hours or minutes in a row may match nothing; more than 50 years of days."""
MAX_COUNTED_STEPS = 50_000
"""How many are looked at to find where a COUNT ends."""
CACHED = 1_024

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_NAMED_ZONE = re.compile(r"^DTSTART;(?:[^:\n]*;)?TZID=([^;:\n]+)", re.MULTILINE | re.IGNORECASE)


def settle(spec: RRuleSpec, *, now: datetime) -> RRuleSpec:
    """Return a specification with a zone and a start; a DTSTART in the text comes first.

    Raises:
        InvalidSpec: no rule, or its DTSTART is of another zone than the schedule.
    """
    named = _NAMED_ZONE.search(spec.rrule)
    if named is not None and named[1] != spec.timezone:
        if spec.timezone != DEFAULT_TIMEZONE:
            raise InvalidSpec(
                f"DTSTART is of {named[1][:100]}, the schedule of {spec.timezone}.",
                path=rule_texts.PATH,
                position=named.start(1),
            )
        spec = replace(spec, timezone=named[1])
    text = rule_texts.read(spec.rrule, zone=find_zone(spec.timezone))
    if text.start is not None:
        return replace(spec, start=None)
    return replace(spec, start=(spec.start or now).astimezone(UTC).replace(microsecond=0))


def is_by_elapsed_time(spec: RRuleSpec) -> bool:
    """Whether it comes round within a day without naming when: both passes of an overlap count."""
    rule = _read(spec).rule
    if rule.frequency is Frequency.HOURLY:
        return not rule.hours
    return rule.frequency is Frequency.MINUTELY and not (rule.hours and rule.minutes)


def walls(spec: RRuleSpec, *, after: datetime, steps: Steps) -> Iterator[datetime]:
    """Return the wall-clock times that a rule names after another one, in order, without an end.

    Neither its COUNT nor what it says in UTC has a say: these are of instants.
    """
    text, start = _read(spec), _start(spec).replace(tzinfo=None)
    until = text.rule.until
    found = _from_rule(text.rule, start, after, steps=steps)
    if until is not None and until.tzinfo is None:
        found = takewhile(lambda wall: wall <= until, found)
    return (wall for wall in found if wall not in text.excluded)


def instants(spec: RRuleSpec, *, after: datetime, steps: Steps) -> Iterator[datetime]:
    """Return the instants of the times that a rule and its text name, in order.

    Args:
        after: a time of the wall clock; no time of before is looked at.
        steps: is told what this costs.

    Raises:
        InvalidSpec: its COUNT takes too long to count.
    """
    text, zone, last = _read(spec), find_zone(spec.timezone), _last(spec)
    found = _since_start(spec, walls(spec, after=after, steps=steps))
    if last is not None:
        found = takewhile(lambda at: at <= last, found)
    named = sorted(wall for wall in text.dates if wall.tzinfo is None)
    dates = by_wall_clock(iter(wall for wall in named if wall not in text.excluded), zone)
    exact = sorted(at for at in text.dates if at.tzinfo is not None)
    return (at for at in heapq.merge(found, dates, exact) if at not in text.excluded)


def _since_start(spec: RRuleSpec, named: Iterator[datetime]) -> Iterator[datetime]:
    """Return the instants of times; none before the start, where that is an instant."""
    by = by_elapsed_time if is_by_elapsed_time(spec) else by_wall_clock
    found = by(named, find_zone(spec.timezone))
    start = _start(spec)
    return found if start.tzinfo is None else (at for at in found if at >= start)


@lru_cache(CACHED)
def _read(spec: RRuleSpec) -> RuleText:
    return rule_texts.read(spec.rrule, zone=find_zone(spec.timezone))


def _start(spec: RRuleSpec) -> datetime:
    """Return where a rule begins: on the zone's clock, without a zone where it is no instant."""
    start = _read(spec).start or spec.start or datetime(2000, 1, 1, tzinfo=UTC)
    return start if start.tzinfo is None else start.astimezone(find_zone(spec.timezone))


@lru_cache(CACHED)
def _last(spec: RRuleSpec) -> datetime | None:
    """Return the instant after which a rule has ended, if it has a COUNT or ends at an instant."""
    rule, start = _read(spec).rule, _start(spec)
    if rule.count is None:
        return rule.until if rule.until is not None and rule.until.tzinfo is not None else None
    wall = start.replace(tzinfo=None)
    named = _from_rule(rule, wall, wall - _MINUTE, steps=Steps(), is_counted=True)
    fires = (at for at, _ in groupby(_since_start(spec, named)))
    counted = list(islice(fires, rule.count))
    return counted[-1] if counted else datetime.min.replace(tzinfo=UTC)


def _from_rule(
    rule: Rule, start: datetime, after: datetime, *, steps: Steps, is_counted: bool = False
) -> Iterator[datetime]:
    """Yield the times of a rule from its start on and after a time.

    Raises:
        InvalidSpec: where the times are counted, that takes too long.
    """
    periods = _short_periods if rule.frequency >= Frequency.HOURLY else _long_periods
    looked = idle = 0
    try:
        for size, nth in periods(rule, start, max(after, start)):
            idle += 1
            looked += 1
            steps.taken += max(size, 1)
            if idle > MAX_IDLE_STEPS:
                return
            if is_counted and looked > MAX_COUNTED_STEPS:
                raise InvalidSpec(
                    "This COUNT reaches too far; use UNTIL.", path=rule_texts.PATH, position=0
                )
            for index in _chosen(rule, size):
                wall = nth(index)
                if wall >= start and wall > after:
                    idle = 0
                    yield wall
    except (OverflowError, ValueError):
        return  # beyond the calendar


_Period = tuple[int, Callable[[int], datetime]]
"""How many times a period has, and which one comes at an index."""


def _chosen(rule: Rule, size: int) -> Iterator[int]:
    if not rule.positions:
        yield from range(size)
        return
    places = {at - 1 if at > 0 else size + at for at in rule.positions}
    yield from sorted(at for at in places if 0 <= at < size)


def _long_periods(rule: Rule, start: datetime, since: datetime) -> Iterator[_Period]:
    """Yield the periods of a rule that names days, from the one that holds a time; a day a step."""
    minutes = [
        timedelta(hours=hour, minutes=minute, seconds=second)
        for hour in rule.hours or (start.hour,)
        for minute in rule.minutes or (start.minute,)
        for second in rule.seconds or (start.second,)
    ]
    if not rule.positions:
        for days in _day_sets(rule, start.date(), since.date()):
            for day in days:
                if not _has_day(rule, day, start.date()):
                    yield 0, _nothing
                    continue
                yield len(minutes), _at_minutes([day], minutes)
        return
    for days in _day_sets(rule, start.date(), since.date()):
        matching: list[date] = []
        for day in days:
            if _has_day(rule, day, start.date()):
                matching.append(day)
            yield 0, _nothing
        yield len(matching) * len(minutes), _at_minutes(matching, minutes)


def _nothing(index: int) -> datetime:
    raise IndexError(index)


def _at_minutes(days: list[date], minutes: list[timedelta]) -> Callable[[int], datetime]:
    def nth(index: int) -> datetime:
        day, minute = divmod(index, len(minutes))
        return datetime.combine(days[day], time()) + minutes[minute]

    return nth


def _day_sets(rule: Rule, start: date, since: date) -> Iterator[list[date]]:
    """Yield the days of each period, from the one that holds a day."""
    number = max(_period_of(rule, start, since) // rule.interval, 0)
    while True:
        first, length = _period(rule, start, number * rule.interval)
        yield [first + timedelta(days=index) for index in range(length)]
        number += 1


def _period_of(rule: Rule, start: date, day: date) -> int:
    match rule.frequency:
        case Frequency.YEARLY:
            return day.year - start.year
        case Frequency.MONTHLY:
            return (day.year - start.year) * 12 + day.month - start.month
        case Frequency.WEEKLY:
            return (day - _week_of(rule, start)).days // 7
        case _:
            return (day - start).days


def _period(rule: Rule, start: date, number: int) -> tuple[date, int]:
    """Return the first day of a period and how many it has."""
    match rule.frequency:
        case Frequency.YEARLY:
            first = date(start.year + number, 1, 1)
            return first, (date(first.year + 1, 1, 1) - first).days
        case Frequency.MONTHLY:
            first = _month(start, number)
            return first, (_month(first, 1) - first).days
        case Frequency.WEEKLY:
            return _week_of(rule, start) + timedelta(weeks=number), 7
        case _:
            return start + timedelta(days=number), 1


def _month(start: date, number: int) -> date:
    years, month = divmod(start.month - 1 + number, 12)
    return date(start.year + years, month + 1, 1)


def _week_of(rule: Rule, day: date) -> date:
    return day - timedelta(days=(day.weekday() - rule.week_start) % 7)


def _short_periods(rule: Rule, start: datetime, since: datetime) -> Iterator[_Period]:
    """Yield the hours or minutes of a rule from the one that holds a time; leap over other days."""
    is_hourly = rule.frequency is Frequency.HOURLY
    origin = start.replace(second=0, minute=0 if is_hourly else start.minute)
    step = rule.interval * (_HOUR if is_hourly else _MINUTE)
    minutes = rule.minutes or (start.minute,) if is_hourly else (0,)
    offsets = [
        timedelta(minutes=minute, seconds=second)
        for minute in minutes
        for second in rule.seconds or (start.second,)
    ]
    number = max((since - origin) // step, 0)
    while True:
        at = origin + number * step
        leap = _leap(rule, at, start.date())
        if leap is None:
            yield len(offsets), lambda index, at=at: at + offsets[index]
            number += 1
        else:
            yield 0, _nothing
            number = max(-((origin - leap) // step), number + 1)


def _leap(rule: Rule, at: datetime, start: date) -> datetime | None:
    """Return where to look next if a time's day, hour or minute does not match; else None."""
    if not _has_day(rule, at.date(), start):
        return datetime.combine(at.date() + timedelta(days=1), time())
    if rule.hours and at.hour not in rule.hours:
        return at.replace(minute=0) + _HOUR
    is_minutely = rule.frequency is Frequency.MINUTELY
    if is_minutely and rule.minutes and at.minute not in rule.minutes:
        return at + _MINUTE
    return None


def _has_day(rule: Rule, day: date, start: date) -> bool:
    """Whether a day matches all that a rule says of days, with the start's day for what it omits.

    As RFC 5545 has it, a yearly rule that names no day means the start's day and month, a monthly
    one its day, a weekly one its day of the week.
    """
    if rule.months and day.month not in rule.months:
        return False
    names_no_day = not (rule.weeks or rule.year_days or rule.month_days or rule.days)
    if names_no_day:
        return _is_day_of_start(rule, day, start)
    if rule.weeks and not _has_week(rule, day):
        return False
    if rule.year_days and not _is_one_of(rule.year_days, _number_in_year(day), _days_in_year(day)):
        return False
    if rule.month_days and not _is_one_of(rule.month_days, day.day, _days_in_month(day)):
        return False
    return not rule.days or _has_weekday(rule, day)


def _is_day_of_start(rule: Rule, day: date, start: date) -> bool:
    match rule.frequency:
        case Frequency.YEARLY:
            return day.day == start.day and (bool(rule.months) or day.month == start.month)
        case Frequency.MONTHLY:
            return day.day == start.day
        case Frequency.WEEKLY:
            return day.weekday() == start.weekday()
        case _:
            return True


def _is_one_of(wanted: tuple[int, ...], number: int, length: int) -> bool:
    """Whether a number, counted from the front or from the back, is wanted."""
    return number in wanted or number - length - 1 in wanted


def _days_in_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _days_in_year(day: date) -> int:
    return 366 if calendar.isleap(day.year) else 365


def _number_in_year(day: date) -> int:
    """Return which day of its year a day is, from 1."""
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1


def _has_weekday(rule: Rule, day: date) -> bool:
    is_in_month = rule.frequency is Frequency.MONTHLY or bool(rule.months)
    for ordinal, weekday in rule.days:
        if day.weekday() != weekday:
            continue
        if ordinal == 0:
            return True
        number = day.day if is_in_month else _number_in_year(day)
        length = _days_in_month(day) if is_in_month else _days_in_year(day)
        if ordinal in {(number - 1) // 7 + 1, -((length - number) // 7 + 1)}:
            return True
    return False


def _has_week(rule: Rule, day: date) -> bool:
    """Whether a day lies in a wanted week; week 1 is the first with four days in the year."""
    thursday = _week_of(rule, day) + timedelta(days=3)
    first, weeks = _weeks(rule.week_start, thursday.year)
    return _is_one_of(rule.weeks, (day - first).days // 7 + 1, weeks)


@lru_cache(CACHED)
def _weeks(week_start: int, year: int) -> tuple[date, int]:
    """Return where the weeks of a year begin, and how many it has."""
    first, following = (
        fourth - timedelta(days=(fourth.weekday() - week_start) % 7)
        for fourth in (date(year, 1, 4), date(year + 1, 1, 4))
    )
    return first, (following - first).days // 7
