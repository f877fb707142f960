"""The next instants of many schedules together, for as many steps as one may take."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import chain, takewhile
from typing import TypeVar

from headgate_server.domain.schedules.preview import HORIZON
from headgate_server.domain.schedules.specs import Spec
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.times import iter_times

Key = TypeVar("Key", bound=Hashable)

MOST_STEPS = 50_000
"""About a second: a page of deployments takes a tenth of them, rules of leap years all."""


@dataclass(frozen=True, slots=True)
class Active:
    """A schedule that fires, and the next instant that no run was made for yet."""

    spec: Spec
    next_at: datetime


def next_of_many(
    schedules: Mapping[Key, Sequence[Active]], *, after: datetime, limit: int, steps: Steps
) -> dict[Key, list[datetime]]:
    """Return the next instants of each owner of schedules, in order; absent where there is none.

    They are within fifty years. Once the steps are spent an owner's list ends early, or holds the
    next instant only, which is known without looking; no list leaves out an instant between two.

    Args:
        schedules: by owner.
        after: the instants lie after this one.
        limit: at most so many of each owner.
        steps: counts what this costs; MOST_STEPS, and one instant more, are taken.
    """
    found: dict[Key, list[datetime]] = {}
    for key, own in schedules.items():
        times = _next_of(own, after=after, limit=limit, steps=steps)
        if times:
            found[key] = times
    return found


def _next_of(
    schedules: Sequence[Active], *, after: datetime, limit: int, steps: Steps
) -> list[datetime]:
    until = after + HORIZON
    begun: list[chain[datetime]] = []
    for one in schedules:
        if steps.taken >= MOST_STEPS:
            return sorted(other.next_at for other in schedules if other.next_at > after)[:1]
        times = takewhile(lambda at: at <= until, iter_times(one.spec, after=after, steps=steps))
        first = next(times, None)
        if first is not None:
            begun.append(chain((first,), times))
    found: list[datetime] = []
    for at in merge(*begun):
        found.append(at)
        if len(found) == limit or steps.taken >= MOST_STEPS:
            break
    return found
