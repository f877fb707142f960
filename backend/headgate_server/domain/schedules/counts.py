"""How many instants lie in a time, and which are the last of them.

An interval's are reckoned, and so are a cron's on days whose clocks do not change: they are as many
as its hours and minutes are. Only the days around a change, and rules, are walked instant by
instant.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from headgate_server.domain.schedules import crons
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, Spec
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.times import iter_times
from headgate_server.domain.wall_clocks import find_zone, is_steady

_TICK, _DAY = timedelta(microseconds=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many instants there are up to ``until``, and the last of them in order."""

    count: int
    latest: list[datetime]
    until: datetime


@dataclass(frozen=True, slots=True)
class _Piece:
    """Instants that follow each other, the last of which is not after ``until``."""

    count: int
    until: datetime
    instants: Callable[[], Iterable[datetime]]


def count_times(
    spec: Spec,
    *,
    start: datetime,
    until: datetime,
    limit: int,
    steps: Steps,
    most_steps: int | None = None,
    at_least: int = 0,
) -> Counted:
    """Return how many instants lie from ``start`` to ``until``, both included, and the last ones.

    Args:
        spec: a checked specification.
        start: the first instant that counts.
        until: the last instant that counts.
        limit: how many of the last are wanted, 1 or more.
        steps: is told what this costs.
        most_steps: so many steps from now it ends early, at an instant that it says; None for
            never.
        at_least: it does not end early before there are more than so many.
    """
    if isinstance(spec, IntervalSpec):
        return _count_interval(spec, start=start, until=until, limit=limit, steps=steps)
    first_step = steps.taken
    pieces: deque[_Piece] = deque()
    count = kept = 0
    looked_until = until
    for piece in _pieces(spec, start=start.astimezone(UTC), until=until, steps=steps):
        pieces.append(piece)
        count += piece.count
        kept += piece.count
        while kept - pieces[0].count >= limit:
            kept -= pieces.popleft().count
        is_over = most_steps is not None and steps.taken - first_step >= most_steps
        if is_over and count > at_least and piece.until < until:
            looked_until = piece.until
            break
    latest = [at for piece in pieces for at in piece.instants()][-limit:]
    steps.taken += len(latest)
    return Counted(count, latest, looked_until)


def _count_interval(
    spec: IntervalSpec, *, start: datetime, until: datetime, limit: int, steps: Steps
) -> Counted:
    first = -((spec.origin - start) // spec.every)
    last = (until - spec.origin) // spec.every
    kept = range(max(first, last - limit + 1), last + 1)
    steps.taken += len(kept)
    latest = [spec.origin + number * spec.every for number in kept]
    return Counted(max(last - first + 1, 0), latest, until)


def _pieces(spec: Spec, *, start: datetime, until: datetime, steps: Steps) -> Iterator[_Piece]:
    if isinstance(spec, CronSpec):
        return _pieces_of_cron(spec, start=start, until=until, steps=steps)
    return _walked(spec, start=start, until=until, steps=steps)


def _walked(spec: Spec, *, start: datetime, until: datetime, steps: Steps) -> Iterator[_Piece]:
    found = iter_times(spec, after=start - _TICK, steps=steps)
    for at in takewhile(lambda at: at <= until, found):
        yield _Piece(1, at, lambda at=at: (at,))


def _pieces_of_cron(
    spec: CronSpec, *, start: datetime, until: datetime, steps: Steps
) -> Iterator[_Piece]:
    zone = find_zone(spec.timezone)
    days = crons.days(spec)
    day = start.astimezone(zone).date()
    while start <= until:
        if not _is_plain(day, zone):
            while not _is_plain(day, zone):
                day += _DAY
            end = min(_midnight(day, zone) - _TICK, until)
            yield from _walked(spec, start=start, until=end, steps=steps)
            start = end + _TICK
            continue
        steps.taken += 1
        midnight, end = _midnight(day, zone), _midnight(day, zone) + _DAY - _TICK
        if days.has_day(day):
            yield _day_piece(midnight, days.clocks, start=start, until=min(end, until), steps=steps)
        day, start = day + _DAY, end + _TICK


def _day_piece(
    midnight: datetime,
    clocks: tuple[timedelta, ...],
    *,
    start: datetime,
    until: datetime,
    steps: Steps,
) -> _Piece:
    """Return the instants of a day without a change of the clock, as far as they count."""
    if start <= midnight and until >= midnight + _DAY - _TICK:
        return _Piece(len(clocks), until, lambda: [midnight + clock for clock in clocks])
    found = [at for at in (midnight + clock for clock in clocks) if start <= at <= until]
    steps.taken += len(found)
    return _Piece(len(found), until, lambda: found)


def _is_plain(day: date, zone: ZoneInfo) -> bool:
    """Whether no clock changes on a day, nor on the one before or after it."""
    noon = _midnight(day, zone) + _DAY / 2
    return is_steady(noon, zone, around=_DAY * 1.5)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
