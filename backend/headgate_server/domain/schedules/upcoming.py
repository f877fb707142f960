"""The next instants of schedules: those whose runs wait, and then those that are to come.

Those of many schedules together are looked for with as many steps as one may take.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import chain, islice, takewhile
from typing import TypeVar

from headgate_server.domain.schedules.preview import HORIZON, UpcomingFire, with_notes
from headgate_server.domain.schedules.specs import Spec
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.times import increasing, iter_times

Key = TypeVar("Key", bound=Hashable)

MOST_STEPS = 50_000
"""About a second: a page of deployments takes a tenth of them, rules of leap years all."""


_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a schedule has ahead.

    Args:
        spec: when it fires.
        next_at: the next instant that no run was made for yet; None where it makes no more.
        waiting: the instants whose runs were made and wait, in order.
    """

    spec: Spec
    next_at: datetime | None
    waiting: tuple[datetime, ...] = ()

    @property
    def known(self) -> list[datetime]:
        """Return the instants that are known without looking."""
        return [*self.waiting, *([self.next_at] if self.next_at is not None else [])]

    def times(self, *, after: datetime, steps: Steps) -> Iterator[datetime]:
        """Yield its instants after another one, in order and each once, without an end."""
        to_come: Iterator[datetime] = iter(())
        if self.next_at is not None:
            to_come = iter_times(self.spec, after=max(after, self.next_at - _TICK), steps=steps)
        return increasing(merge(self.waiting, to_come), after)

    def first(self, *, after: datetime) -> datetime | None:
        """Return its first instant after another one: unless it is behind, that is known."""
        if self.next_at is None or self.next_at > after:
            return min((at for at in self.known if at > after), default=None)
        return next(self.times(after=after, steps=Steps()), None)

    def fires(self, *, after: datetime, limit: int) -> list[UpcomingFire]:
        """Return its next instants within fifty years, in order, with what happens to each.

        Args:
            after: the instants lie after this one.
            limit: at most so many; see ``preview.check_limit``.
        """
        until = after + HORIZON
        times = takewhile(lambda at: at <= until, self.times(after=after, steps=Steps()))
        return with_notes(self.spec, islice(times, limit))


def next_of_many(
    schedules: Mapping[Key, Sequence[Ahead]], *, after: datetime, limit: int, steps: Steps
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
    schedules: Sequence[Ahead], *, after: datetime, limit: int, steps: Steps
) -> list[datetime]:
    until = after + HORIZON
    begun: list[chain[datetime]] = []
    for one in schedules:
        if steps.taken >= MOST_STEPS:
            return sorted(at for other in schedules for at in other.known if at > after)[:1]
        times = takewhile(lambda at: at <= until, one.times(after=after, steps=steps))
        first = next(times, None)
        if first is not None:
            begun.append(chain((first,), times))
    found: list[datetime] = []
    for at in merge(*begun):
        found.append(at)
        if len(found) == limit or steps.taken >= MOST_STEPS:
            break
    return found
