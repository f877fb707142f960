"""The instants at which a specification fires.

Daylight saving: a cron or a rule that names its hours and minutes means wall-clock times. One that
falls into a gap fires at the first valid instant after it, once; one that falls into an overlap
fires in the first pass only. Intervals, crons whose minute or hour begins with ``*`` and rules that
come round within a day go by elapsed time.
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from headgate_server.domain.schedules import crons, rule_texts, rules
from headgate_server.domain.schedules.specs import (
    CronSpec,
    IntervalSpec,
    InvalidSpec,
    RRuleSpec,
    Spec,
    check_interval,
)
from headgate_server.domain.wall_clocks import by_elapsed_time, by_wall_clock, find_zone

MAX_TIMES = 1_000
"""How many instants one call returns."""

LARGEST_SHIFT = timedelta(days=2)
"""More than any zone has ever skipped at once; Apia skipped a day."""
_TICK = timedelta(microseconds=1)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


def settle_spec(wanted: Spec | timedelta, *, current: Spec | None, now: datetime) -> Spec:
    """Return a full specification: an interval has an anchor then, a rule a start.

    What the current one of the same every, or of the same rule, has is kept.

    Raises:
        InvalidInput: as ``check_spec`` says.
    """
    if isinstance(wanted, RRuleSpec):
        settled = rules.settle(wanted, now=now)
        if isinstance(current, RRuleSpec) and wanted.start is None:
            is_same = (settled.rrule, settled.timezone) == (current.rrule, current.timezone)
            settled = current if is_same else settled
        return check_spec(settled)
    if not isinstance(wanted, timedelta):
        return check_spec(wanted)
    if isinstance(current, IntervalSpec) and current.every == wanted:
        return current
    return check_spec(IntervalSpec(wanted, now))


def check_spec(spec: Spec) -> Spec:
    """Return a specification that fires.

    Raises:
        InvalidSpec: a malformed cron or rule, an interval out of range, or one that never fires.
        InvalidInput: an unknown zone.
    """
    match spec:
        case IntervalSpec():
            return check_interval(spec)
        case CronSpec():
            find_zone(spec.timezone)
            if not next_times(spec, after=_LONG_AGO, limit=1):
                raise InvalidSpec("This cron never fires.", path=crons.PATH)
        case RRuleSpec():
            find_zone(spec.timezone)
            if not next_times(spec, after=_EARLIEST, limit=1):
                raise InvalidSpec(
                    "This rule never fires, or not within 50 years of its start.",
                    path=rule_texts.PATH,
                )
    return spec


def next_times(
    spec: Spec, *, after: datetime, limit: int = MAX_TIMES, until: datetime | None = None
) -> list[datetime]:
    """Return the instants at which a specification fires, in UTC and strictly increasing.

    The instants do not depend on where one starts to look: any two calls agree where they overlap.

    Args:
        spec: a checked specification.
        after: the instants lie after this one.
        limit: at most so many, 1,000 if nothing is said.
        until: the last instant that may be returned.
    """
    times = _times(spec, after.astimezone(UTC))
    if until is not None:
        times = takewhile(lambda at: at <= until, times)
    return list(islice(times, min(limit, MAX_TIMES)))


def first_time(spec: Spec, *, after: datetime) -> datetime | None:
    """Return the first instant after another one; None where there is none any more."""
    return next(iter(next_times(spec, after=after, limit=1)), None)


def last_times(
    spec: Spec, *, start: datetime, until: datetime, limit: int
) -> tuple[int, list[datetime]]:
    """Return how many instants lie from ``start`` to ``until``, both included, and the last ones.

    Args:
        spec: a checked specification.
        start: the first instant that counts.
        until: the last instant that counts.
        limit: how many of the last are wanted.
    """
    if isinstance(spec, IntervalSpec):
        last = (until - spec.origin) // spec.every
        first = _ceiling(start - spec.origin, spec.every)
        count = max(last - first + 1, 0)
        kept = range(max(first, last - limit + 1), last + 1)
        return count, [spec.origin + number * spec.every for number in kept]
    count = 0
    tail: deque[datetime] = deque(maxlen=limit)
    for at in takewhile(lambda at: at <= until, _times(spec, start.astimezone(UTC) - _TICK)):
        count += 1
        tail.append(at)
    return count, list(tail)


def is_by_elapsed_time(spec: Spec) -> bool:
    """Whether both passes of an overlap count, and nothing moves out of a gap."""
    match spec:
        case IntervalSpec():
            return True
        case CronSpec():
            return crons.is_by_elapsed_time(spec)
        case RRuleSpec():
            return rules.is_by_elapsed_time(spec)


def walls(spec: CronSpec | RRuleSpec, *, after: datetime) -> Iterator[datetime]:
    """Return the wall-clock times that a specification names after another one, in order."""
    match spec:
        case CronSpec():
            return crons.walls(spec, after=after)
        case RRuleSpec():
            return rules.walls(spec, after=after)


def _times(spec: Spec, after: datetime) -> Iterator[datetime]:
    if isinstance(spec, IntervalSpec):
        return _by_interval(spec, after)
    zone = find_zone(spec.timezone)
    start = (after.astimezone(zone) - LARGEST_SHIFT).replace(tzinfo=None)
    named = walls(spec, after=start)
    by = by_elapsed_time if is_by_elapsed_time(spec) else by_wall_clock
    return _increasing(by(named, zone), after)


def _by_interval(spec: IntervalSpec, after: datetime) -> Iterator[datetime]:
    number = (after - spec.origin) // spec.every + 1
    while True:
        yield spec.origin + number * spec.every
        number += 1


def _increasing(times: Iterator[datetime], after: datetime) -> Iterator[datetime]:
    latest = after
    for at in times:
        if at > latest:
            latest = at
            yield at


def _ceiling(span: timedelta, every: timedelta) -> int:
    return -(-span // every)
