"""Recurrence rules: the times that they name, and their instants.

A rule is walked period by period, from the period that holds the time asked for: how long ago it
began costs nothing. What it looks at without a result is bounded, so no rule holds its caller up.
Of a rule's first period only what lies before its start is left out: positions count whole periods.
"""

import heapq
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby, islice, takewhile
from zoneinfo import ZoneInfo

from headgate_server.domain.schedules import elapsed_rules, rule_texts
from headgate_server.domain.schedules.rule_days import CACHED, has_day, leap, week_of
from headgate_server.domain.schedules.rule_texts import Frequency, Rule, RuleText
from headgate_server.domain.schedules.specs import DEFAULT_TIMEZONE, InvalidSpec, RRuleSpec
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.wall_clocks import (
    by_elapsed_time,
    by_wall_clock,
    find_zone,
    instants_of,
)

MAX_IDLE_STEPS = 20_000
"""How many days, hours or minutes in a row may match nothing; more than 50 years of days."""
MAX_COUNTED_STEPS = 50_000
"""How many are looked at to find where a COUNT ends."""

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_TICK = timedelta(microseconds=1)
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
    if elapsed_rules.is_elapsed(text.rule):
        since = after.replace(tzinfo=zone)
        found = _but_excluded(_by_elapsed_time(spec, since=since, steps=steps), text.excluded, zone)
    else:
        found = _since_start(spec, walls(spec, after=after, steps=steps))
    if last is not None:
        found = takewhile(lambda at: at <= last, found)
    named = sorted(wall for wall in text.dates if wall.tzinfo is None)
    dates = by_wall_clock(iter(wall for wall in named if wall not in text.excluded), zone)
    exact = sorted(at for at in text.dates if at.tzinfo is not None)
    return (at for at in heapq.merge(found, dates, exact) if at not in text.excluded)


def _by_elapsed_time(
    spec: RRuleSpec, *, since: datetime | None, steps: Steps, is_counted: bool = False
) -> Iterator[datetime]:
    """Return the instants of a rule that counts elapsed time, after one or from its start on."""
    rule, zone, start = _read(spec).rule, find_zone(spec.timezone), _start(spec)
    begun = start.replace(tzinfo=start.tzinfo or zone).astimezone(UTC)
    after = begun - _MINUTE if since is None else since.astimezone(UTC)
    found = elapsed_rules.periods(rule, begun, max(after, begun), zone=zone)
    periods = ((len(marks), marks.__getitem__) for marks in found)
    return _chosen_of(rule, periods, begun, after, steps=steps, is_counted=is_counted)


def _but_excluded(
    found: Iterator[datetime], excluded: frozenset[datetime], zone: ZoneInfo
) -> Iterator[datetime]:
    """Return instants without those at which the clock shows an excluded time."""
    return (at for at in found if at.astimezone(zone).replace(tzinfo=None) not in excluded)


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
    """Return the instant after which a rule has ended, if it has a COUNT or ends at an instant.

    One that counts elapsed time ends at an instant in any case: the last one of that time.
    """
    rule, start, zone = _read(spec).rule, _start(spec), find_zone(spec.timezone)
    is_elapsed = elapsed_rules.is_elapsed(rule)
    if rule.count is None:
        if rule.until is None or rule.until.tzinfo is not None:
            return rule.until
        return _last_shown(rule.until, zone) if is_elapsed else None
    if is_elapsed:
        fires = _by_elapsed_time(spec, since=None, steps=Steps(), is_counted=True)
    else:
        wall = start.replace(tzinfo=None)
        named = _from_rule(rule, wall, wall - _MINUTE, steps=Steps(), is_counted=True)
        fires = (at for at, _ in groupby(_since_start(spec, named)))
    counted = list(islice(fires, rule.count))
    return counted[-1] if counted else datetime.min.replace(tzinfo=UTC)


def _last_shown(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the last instant before the clock goes on from a time; None beyond the calendar."""
    try:
        shown = instants_of(wall, zone)
        return shown[-1] if shown else next(by_wall_clock(iter((wall,)), zone)) - _TICK
    except OverflowError:
        return None


def _from_rule(
    rule: Rule, start: datetime, after: datetime, *, steps: Steps, is_counted: bool = False
) -> Iterator[datetime]:
    """Return the times of a rule from its start on and after a time; see ``_chosen_of``."""
    periods = _short_periods if rule.frequency >= Frequency.HOURLY else _long_periods
    found = periods(rule, start, max(after, start))
    return _chosen_of(rule, found, start, after, steps=steps, is_counted=is_counted)


def _chosen_of(
    rule: Rule,
    periods: "Iterator[_Period]",
    start: datetime,
    after: datetime,
    *,
    steps: Steps,
    is_counted: bool,
) -> Iterator[datetime]:
    """Yield what a rule chooses of its periods, from its start on and after a time.

    Raises:
        InvalidSpec: where the times are counted, that takes too long.
    """
    looked = idle = 0
    try:
        for size, nth in periods:
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
                at = nth(index)
                if at >= start and at > after:
                    idle = 0
                    yield at
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
                if not has_day(rule, day, start.date()):
                    yield 0, _nothing
                    continue
                yield len(minutes), _at_minutes([day], minutes)
        return
    for days in _day_sets(rule, start.date(), since.date()):
        matching: list[date] = []
        for day in days:
            if has_day(rule, day, start.date()):
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
            return (day - week_of(rule, start)).days // 7
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
            return week_of(rule, start) + timedelta(weeks=number), 7
        case _:
            return start + timedelta(days=number), 1


def _month(start: date, number: int) -> date:
    years, month = divmod(start.month - 1 + number, 12)
    return date(start.year + years, month + 1, 1)


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
        later = leap(rule, at, start.date())
        if later is None:
            yield len(offsets), lambda index, at=at: at + offsets[index]
            number += 1
        else:
            yield 0, _nothing
            number = max(-((origin - later) // step), number + 1)
