"""Schedules: when a deployment runs by itself, and what follows a time when nobody looked.

Daylight saving: a cron that names its hours and minutes means wall-clock times. One that falls into
a gap fires at the first valid instant after it, once; one that falls into an overlap fires in the
first pass only. Intervals, and crons whose minute or hour begins with ``*``, go by elapsed time.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any
from uuid import UUID

from cronsim import CronSim, CronSimError

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.wall_clocks import by_elapsed_time, by_wall_clock, find_zone

DEFAULT_TIMEZONE = "UTC"
MIN_EVERY, MAX_EVERY = timedelta(seconds=1), timedelta(days=366)
MAX_CRON_LENGTH = 200
MAX_CATCH_UP = 1_000
DEFAULT_CATCH_UP = 100
MIN_WINDOW, MAX_WINDOW = timedelta(seconds=1), timedelta(days=31)
DEFAULT_WINDOW = timedelta(days=1)
MAX_SCHEDULES = 50
"""How many schedules one deployment has."""
MISSED_AFTER = timedelta(minutes=1)
"""A fire that nobody made a run for until then is missed; before that, only late."""
MAX_SPAN = 2 * MAX_WINDOW
"""How much of a long outage is gone through at once."""
MAX_TIMES = 1_000
"""How many instants one call returns, and how many skipped ones an outage leaves in the ledger."""
MAX_AHEAD = 100
"""How many runs of one schedule are made at once."""

_LARGEST_SHIFT = timedelta(days=2)
"""More than any zone has ever skipped at once; Apia skipped a day."""
_TICK = timedelta(microseconds=1)
_FIELDS = 5


class CatchUpPolicy(StrEnum):
    """What becomes of the fires that an outage missed."""

    SKIP = "SKIP"
    LATEST = "LATEST"
    ALL = "ALL"


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A policy, at most how many runs it makes, and how old a missed fire may be."""

    policy: CatchUpPolicy = CatchUpPolicy.SKIP
    max: int = DEFAULT_CATCH_UP
    window: timedelta = DEFAULT_WINDOW


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


Spec = CronSpec | IntervalSpec


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a deployment runs by itself; ``next_fire_at`` is the next instant without a run yet."""

    workspace_id: UUID
    id: UUID
    deployment_id: UUID
    slug: str
    is_active: bool
    spec: Spec
    parameters: dict[str, Any] | None
    catch_up: CatchUp
    generation: int
    next_fire_at: datetime | None
    missed_count: int
    version: int
    created_at: datetime
    updated_at: datetime

    def next_at(self, now: datetime) -> datetime | None:
        """Return when it fires next; None while it is paused, or when it never does again."""
        if self.next_fire_at is None or not self.is_active:
            return None
        return first_time(self.spec, after=now)


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """A schedule that someone asks for, known within its deployment by its slug.

    ``spec`` may be a bare duration: an interval that keeps its anchor if it has one, and starts
    to count now if it is new.
    """

    slug: str
    spec: Spec | timedelta
    is_active: bool = True
    parameters: dict[str, Any] | None = None
    catch_up: CatchUp = CatchUp()


@dataclass(frozen=True, slots=True)
class FirePlan:
    """What is to be done about a due schedule; ``missed`` counts more than ``skip`` may list."""

    create: tuple[datetime, ...]
    skip: tuple[datetime, ...]
    missed: int
    next_fire_at: datetime | None


def settle_spec(wanted: Spec | timedelta, *, current: Spec | None, now: datetime) -> Spec:
    """Return a full specification, with the anchor of an interval that names none.

    Raises:
        InvalidInput: as ``check_spec`` says.
    """
    if not isinstance(wanted, timedelta):
        return check_spec(wanted)
    if isinstance(current, IntervalSpec) and current.every == wanted:
        return current
    return check_spec(IntervalSpec(wanted, now))


def check_spec(spec: Spec) -> Spec:
    """Return a specification that fires.

    Raises:
        InvalidInput: a malformed cron, an unknown zone, an interval out of range, or a cron that
            names no day there is.
    """
    if isinstance(spec, IntervalSpec):
        if not MIN_EVERY <= spec.every <= MAX_EVERY:
            raise InvalidInput(
                "An interval is from 1 second to 366 days.", path=["spec", "interval", "every"]
            )
        return spec
    find_zone(spec.timezone)
    _wall_times(spec, after=datetime(2000, 1, 1))  # noqa: DTZ001  wall-clock time on purpose
    if not next_times(spec, after=datetime(2000, 1, 1, tzinfo=UTC), limit=1):
        raise InvalidInput("This cron never fires.", path=["spec", "cron", "cron"])
    return spec


def check_catch_up(catch_up: CatchUp) -> CatchUp:
    """Return a catch-up within its limits.

    Raises:
        InvalidInput: more than 1,000 runs, or a window beyond 31 days.
    """
    if not 1 <= catch_up.max <= MAX_CATCH_UP:
        raise InvalidInput(f"max is from 1 to {MAX_CATCH_UP}.", path=["catchUp", "max"])
    if not MIN_WINDOW <= catch_up.window <= MAX_WINDOW:
        raise InvalidInput("window is from 1 second to 31 days.", path=["catchUp", "window"])
    return catch_up


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


def choose(catch_up: CatchUp, missed: list[datetime], *, now: datetime) -> list[datetime]:
    """Return those of the missed instants that still get a run, oldest first."""
    fresh = [at for at in missed if at >= now - catch_up.window]
    match catch_up.policy:
        case CatchUpPolicy.SKIP:
            return []
        case CatchUpPolicy.LATEST:
            return fresh[-1:]
        case CatchUpPolicy.ALL:
            return fresh[-catch_up.max :]


def plan_fires(schedule: Schedule, *, now: datetime, horizon: timedelta) -> FirePlan:
    """Return which instants of a due schedule get a run, which are skipped, and what comes next.

    However long nobody looked, the work is bounded: a long outage is gone through in parts, and
    every part moves ``next_fire_at`` forward.
    """
    spec, start = schedule.spec, schedule.next_fire_at
    if start is None:
        return FirePlan(create=(), skip=(), missed=0, next_fire_at=None)
    missed_until = now - MISSED_AFTER
    if start + MAX_SPAN < missed_until:
        part_until = start + MAX_SPAN
        missed, skipped = last_times(spec, start=start, until=part_until, limit=MAX_TIMES)
        return FirePlan((), tuple(skipped), missed, first_time(spec, after=part_until))
    missed, recent = last_times(spec, start=start, until=missed_until, limit=MAX_TIMES)
    chosen = choose(schedule.catch_up, recent, now=now)
    ahead_from = max(missed_until, start - _TICK)
    ahead = next_times(spec, after=ahead_from, until=now + horizon, limit=MAX_AHEAD)
    looked_until = ahead[-1] if len(ahead) == MAX_AHEAD else max(now + horizon, ahead_from)
    return FirePlan(
        create=(*chosen, *ahead),
        skip=tuple(recent[: len(recent) - len(chosen)]),
        missed=missed - len(chosen),
        next_fire_at=first_time(spec, after=looked_until),
    )


def _times(spec: Spec, after: datetime) -> Iterator[datetime]:
    if isinstance(spec, IntervalSpec):
        return _by_interval(spec, after)
    zone = find_zone(spec.timezone)
    start = (after.astimezone(zone) - _LARGEST_SHIFT).replace(tzinfo=None)
    walls = _wall_times(spec, after=start)
    by = by_elapsed_time if _is_by_elapsed_time(spec) else by_wall_clock
    return _increasing(by(walls, zone), after)


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


def _wall_times(spec: CronSpec, *, after: datetime) -> Iterator[datetime]:
    try:
        if len(spec.cron) > MAX_CRON_LENGTH or len(spec.cron.split()) != _FIELDS:
            raise CronSimError("A cron has five fields")
        cron = CronSim(spec.cron, after)
    except (CronSimError, AssertionError, ValueError) as error:
        reason = str(error) or "Malformed"
        raise InvalidInput(
            f"{reason}: a cron is minute, hour, day of month, month and day of week, such as "
            "`0 6 * * MON-FRI`.",
            path=["spec", "cron", "cron"],
        ) from None
    if not spec.day_or:
        cron.day_and = True
    return cron


def _is_by_elapsed_time(spec: CronSpec) -> bool:
    minute, hour = spec.cron.split()[:2]
    return minute.startswith("*") or hour.startswith("*")


def _ceiling(span: timedelta, every: timedelta) -> int:
    return -(-span // every)
