"""Wall clocks: which instants the clocks of a time zone show, once, twice or never.

The zones are those of the ``tzdata`` package and of nothing else, so that all machines of an
installation agree on them, and each fire can tell which version it was reckoned with.
"""

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import tzdata

from headgate_server.domain.errors import InvalidInput

TZDATA_VERSION: str = tzdata.IANA_VERSION

_SECOND = timedelta(seconds=1)
_NO_ZONE = "Factory"
"""What a machine has whose zone was never set."""


def find_zone(name: str) -> ZoneInfo:
    """Return the time zone of a name.

    Raises:
        InvalidInput: there is no such zone.
    """
    if name not in _names():
        raise InvalidInput(
            f"{name[:100]} is not a time zone; use a name such as Europe/London.",
            path=["spec", "timezone"],
        )
    return _load(name)


@cache
def _names() -> frozenset[str]:
    listed = resources.files(tzdata).joinpath("zones").read_text("utf-8")
    return frozenset(listed.split()) - {_NO_ZONE}


@cache
def _load(name: str) -> ZoneInfo:
    with resources.files(tzdata).joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def is_steady(at: datetime, zone: ZoneInfo, *, around: timedelta) -> bool:
    """Whether no clock of a zone changes from so long before an instant to so long after it.

    Args:
        at: the instant.
        zone: the zone.
        around: up to three days: no zone changes its clocks and back within six.
    """
    return _offset(at - around, zone) == _offset(at, zone) == _offset(at + around, zone)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def by_wall_clock(walls: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """Yield when a clock first shows each time, or has just jumped over it."""
    for wall in walls:
        instants = instants_of(wall, zone)
        yield instants[0] if instants else _end_of_gap(wall, zone)


def by_elapsed_time(walls: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """Yield both passes of an overlap, in order: a wall time's second pass waits for its turn."""
    waiting: list[datetime] = []
    for wall in walls:
        instants = instants_of(wall, zone)
        while instants and waiting and waiting[0] < instants[0]:
            yield heapq.heappop(waiting)
        for instant in instants:
            heapq.heappush(waiting, instant)
    while waiting:
        yield heapq.heappop(waiting)


def instants_of(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the instants at which clocks of a zone show a time: none, one or two."""
    passes = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(at for at in passes if at.astimezone(zone).replace(tzinfo=None) == wall)


def gap_before(at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """Return the wall-clock times that clocks skip right before an instant; None for none."""
    wall = at.astimezone(zone).replace(tzinfo=None)
    before = (at.astimezone(UTC) - _SECOND).astimezone(zone).replace(tzinfo=None) + _SECOND
    return (before, wall) if before < wall else None


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first valid instant after the gap that swallows a wall-clock time."""
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    behind = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    old_offset = before.astimezone(zone).utcoffset()
    while behind - before > _SECOND:
        middle = before + timedelta(seconds=(behind - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == old_offset:
            before = middle
        else:
            behind = middle
    return behind
