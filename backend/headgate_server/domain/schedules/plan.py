"""What is to be done about a due schedule."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate_server.domain.schedules.catch_up import choose
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.domain.schedules.specs import Spec
from headgate_server.domain.schedules.times import MAX_TIMES, first_time, last_times, next_times

MISSED_AFTER = timedelta(minutes=1)
"""A fire that nobody made a run for until then is missed; before that, only late."""
MAX_PART = timedelta(days=7)
"""How much of a long outage is gone through at once, beside what may still be caught up."""
MAX_SKIPPED = MAX_TIMES
"""How many skipped instants an outage leaves in the ledger; all of them are counted."""
MAX_AHEAD = 100
"""How many runs of one schedule are made at once."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class FirePlan:
    """What is to be done about a due schedule; ``missed`` counts more than ``skip`` may list.

    ``is_part``: this is a part of a long outage, and more of it follows.
    """

    create: tuple[datetime, ...]
    skip: tuple[datetime, ...]
    missed: int
    next_fire_at: datetime | None
    is_part: bool = False


NOTHING = FirePlan(create=(), skip=(), missed=0, next_fire_at=None)


def plan_fires(
    schedule: Schedule,
    *,
    now: datetime,
    horizon: timedelta,
    fired: frozenset[datetime] = frozenset(),
) -> FirePlan:
    """Return which instants of a due schedule get a run, which are skipped, and what comes next.

    However long nobody looked, the work is bounded: a long outage is gone through in parts, and
    every part moves ``next_fire_at`` forward.

    Args:
        schedule: as it stands.
        now: the time.
        horizon: how far ahead of now.
        fired: instants that are settled already: neither missed nor caught up.
    """
    spec, start = schedule.spec, schedule.next_fire_at
    if start is None:
        return NOTHING
    missed_until = now - MISSED_AFTER
    part_until = start + MAX_PART
    if part_until < now - schedule.catch_up.window and part_until < missed_until:
        missed, skipped = _missed(spec, fired, start=start, until=part_until)
        following = first_time(spec, after=part_until)
        is_part = following is not None and following <= missed_until
        return FirePlan((), tuple(skipped), missed, following, is_part=is_part)
    missed, recent = _missed(spec, fired, start=start, until=missed_until)
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


def _missed(
    spec: Spec, fired: frozenset[datetime], *, start: datetime, until: datetime
) -> tuple[int, list[datetime]]:
    """Return how many instants nobody settled, and the latest of them."""
    count, latest = last_times(spec, start=start, until=until, limit=MAX_SKIPPED)
    settled = sum(start <= at <= until for at in fired)
    return count - settled, [at for at in latest if at not in fired]
