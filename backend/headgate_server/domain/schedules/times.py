"""The instants at which a specification fires.

Daylight saving: a cron or a rule that names its hours and minutes means wall-clock times. One that
falls into a gap fires at the first valid instant after it, once; one that falls into an overlap
fires in the first pass only. Intervals, crons whose minute or hour begins with ``*`` and rules that
come round within a day without naming hours go by elapsed time. What a rule says in UTC is that
instant, and its COUNT is one of fires.
"""

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
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.wall_clocks import (
    by_elapsed_time,
    by_wall_clock,
    find_zone,
    is_steady,
)

MAX_TIMES = 1_000
"""How many instants one call returns."""

LARGEST_SHIFT = timedelta(days=2)
"""More than any zone has ever skipped at once; Apia skipped a day."""
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
    times = iter_times(spec, after=after, steps=Steps())
    if until is not None:
        times = takewhile(lambda at: at <= until, times)
    return list(islice(times, min(limit, MAX_TIMES)))


def first_time(spec: Spec, *, after: datetime) -> datetime | None:
    """Return the first instant after another one; None where there is none any more."""
    return next(iter(next_times(spec, after=after, limit=1)), None)


def times_and_next(
    spec: Spec, *, after: datetime, until: datetime, limit: int, steps: Steps
) -> tuple[list[datetime], datetime | None]:
    """Return the instants after one and up to another, and the one that follows the last of them.

    Args:
        spec: a checked specification.
        after: the instants lie after this one.
        until: the last instant that may be among them.
        limit: at most so many.
        steps: is told what this costs.
    """
    found: list[datetime] = []
    for at in iter_times(spec, after=after, steps=steps):
        if at > until or len(found) == limit:
            return found, at
        found.append(at)
    return found, None


def iter_times(spec: Spec, *, after: datetime, steps: Steps) -> Iterator[datetime]:
    """Yield the instants after another one, in UTC and strictly increasing, without an end.

    Args:
        spec: a checked specification.
        after: the instants lie after this one.
        steps: is told what this costs.
    """
    after = after.astimezone(UTC)
    if isinstance(spec, IntervalSpec):
        return _by_interval(spec, after, steps)
    zone = find_zone(spec.timezone)
    # A change of the clock near by has its say; where there is none, nothing before matters.
    shift = timedelta() if is_steady(after, zone, around=LARGEST_SHIFT) else LARGEST_SHIFT
    start = (after.astimezone(zone) - shift).replace(tzinfo=None)
    if isinstance(spec, RRuleSpec):
        return increasing(rules.instants(spec, after=start, steps=steps), after)
    named = walls(spec, after=start, steps=steps)
    by = by_elapsed_time if is_by_elapsed_time(spec) else by_wall_clock
    return increasing(by(named, zone), after)


def increasing(times: Iterator[datetime], after: datetime) -> Iterator[datetime]:
    """Yield those of instants that lie after one, and after all that came before them."""
    latest = after
    for at in times:
        if at > latest:
            latest = at
            yield at


def is_by_elapsed_time(spec: Spec) -> bool:
    """Whether both passes of an overlap count, and nothing moves out of a gap."""
    match spec:
        case IntervalSpec():
            return True
        case CronSpec():
            return crons.is_by_elapsed_time(spec)
        case RRuleSpec():
            return rules.is_by_elapsed_time(spec)


def walls(spec: CronSpec | RRuleSpec, *, after: datetime, steps: Steps) -> Iterator[datetime]:
    """Return the wall-clock times that a specification names after another one, in order."""
    match spec:
        case CronSpec():
            return crons.walls(spec, after=after, steps=steps)
        case RRuleSpec():
            return rules.walls(spec, after=after, steps=steps)


def _by_interval(spec: IntervalSpec, after: datetime, steps: Steps) -> Iterator[datetime]:
    number = (after - spec.origin) // spec.every + 1
    while True:
        steps.taken += 1
        yield spec.origin + number * spec.every
        number += 1
