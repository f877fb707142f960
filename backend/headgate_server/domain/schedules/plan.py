"""What is to be done about a due schedule."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate_server.domain.schedules.catch_up import choose
from headgate_server.domain.schedules.counts import Counted, count_times
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.times import MAX_TIMES, times_and_next

MISSED_AFTER = timedelta(minutes=1)
"""A fire that nobody made a run for until then is missed; before that, only late."""
STEPS_OF_A_PART = 5_000
"""How much of a long outage is gone through at once: some tenths of a second."""
MAX_SKIPPED = MAX_TIMES
"""How many skipped instants a part of an outage leaves in the ledger; all of them are counted."""
MAX_AHEAD = 100
"""How many runs of one schedule are made at once."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class FirePlan:
    """What is to be done about a due schedule; ``missed`` counts more than ``skip`` may list.

    ``is_part``: this is a part of a long outage, and more of it follows. ``steps``: what it cost.
    """

    create: tuple[datetime, ...]
    skip: tuple[datetime, ...]
    missed: int
    next_fire_at: datetime | None
    is_part: bool = False
    steps: int = 0


NOTHING = FirePlan(create=(), skip=(), missed=0, next_fire_at=None)


def plan_fires(
    schedule: Schedule,
    *,
    now: datetime,
    horizon: timedelta,
    fired: frozenset[datetime] = frozenset(),
    most_steps: int = STEPS_OF_A_PART,
) -> FirePlan:
    """Return which instants of a due schedule get a run, which are skipped, and what comes next.

    However long nobody looked, the work is bounded: a long outage is gone through in parts, and
    every part moves ``next_fire_at`` forward. What may still be caught up waits for the last part.

    Args:
        schedule: as it stands.
        now: the time.
        horizon: how far ahead of now.
        fired: instants that are settled already: neither missed nor caught up.
        most_steps: after so many a part of an outage ends, if it has settled anything.
    """
    start = schedule.next_fire_at
    if start is None:
        return NOTHING
    steps, missed_until = Steps(), now - MISSED_AFTER
    while True:
        found = count_times(
            schedule.spec,
            start=start,
            until=missed_until,
            limit=MAX_SKIPPED,
            steps=steps,
            most_steps=most_steps,
            at_least=schedule.catch_up.most,
        )
        if found.until == missed_until:
            return _last_part(schedule, found, fired, now=now, horizon=horizon, steps=steps)
        plan = _part(schedule, found, fired, now=now, steps=steps)
        if plan.next_fire_at is None or plan.next_fire_at > start:
            return plan
        most_steps *= 2


def _part(
    schedule: Schedule, found: Counted, fired: frozenset[datetime], *, now: datetime, steps: Steps
) -> FirePlan:
    """Settle what was counted but for the last instants, which may be the last of the outage."""
    recent = [at for at in found.latest if at not in fired]
    waiting = choose(schedule.catch_up, recent, now=now)
    if waiting:
        following = waiting[0]
        held_back = sum(at >= following for at in found.latest)
    else:
        _, following = times_and_next(
            schedule.spec, after=found.until, until=found.until, limit=0, steps=steps
        )
        held_back = 0
    settled = {at for at in _settled(found, fired) if following is None or at < following}
    return FirePlan(
        create=(),
        skip=tuple(recent[: len(recent) - len(waiting)]),
        missed=found.count - held_back - len(settled),
        next_fire_at=following,
        is_part=following is not None and following <= now - MISSED_AFTER,
        steps=steps.taken,
    )


def _last_part(
    schedule: Schedule,
    found: Counted,
    fired: frozenset[datetime],
    *,
    now: datetime,
    horizon: timedelta,
    steps: Steps,
) -> FirePlan:
    """Settle all that was counted, and what comes up to the horizon."""
    recent = [at for at in found.latest if at not in fired]
    chosen = choose(schedule.catch_up, recent, now=now)
    ahead, following = times_and_next(
        schedule.spec,
        after=_ahead_from(schedule, now),
        until=now + horizon,
        limit=MAX_AHEAD,
        steps=steps,
    )
    return FirePlan(
        create=(*chosen, *ahead),
        skip=tuple(recent[: len(recent) - len(chosen)]),
        missed=found.count - len(chosen) - len(_settled(found, fired)),
        next_fire_at=following,
        steps=steps.taken,
    )


def _settled(found: Counted, fired: frozenset[datetime]) -> set[datetime]:
    """Return which of the counted instants are settled; a former specification's are not its."""
    if not found.latest:
        return set()
    known = set(found.latest)
    return {at for at in fired if at in known or at < found.latest[0]}


def _ahead_from(schedule: Schedule, now: datetime) -> datetime:
    missed_until = now - MISSED_AFTER
    start = schedule.next_fire_at
    return missed_until if start is None else max(missed_until, start - _TICK)
