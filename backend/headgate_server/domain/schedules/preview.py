"""What a schedule will do: its next instants, and where a change of the clocks moves one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.schedules.specs import IntervalSpec, Spec
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.times import is_by_elapsed_time, next_times, walls
from headgate_server.domain.wall_clocks import find_zone, gap_before, instants_of

MAX_FIRES = 100
HORIZON = timedelta(days=50 * 366)
"""No further does one look: a rule that matches once in decades would take seconds for a page."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class UpcomingFire:
    """An instant, what the clock of the zone shows then, and what a change of it did."""

    at: datetime
    wall_clock: datetime
    note: str | None


def preview(spec: Spec, *, after: datetime, limit: int) -> list[UpcomingFire]:
    """Return the next instants of a checked specification within fifty years, in order.

    Args:
        spec: a checked specification.
        after: the instants lie after this one.
        limit: 1 to 100; fewer come where it ends, or fires seldom.

    Raises:
        InvalidInput: a limit out of range.
    """
    check_limit(limit)
    times = next_times(spec, after=after, limit=limit, until=after + HORIZON)
    return with_notes(spec, times)


def check_limit(limit: int) -> None:
    """Refuse to look further ahead than 100 instants.

    Raises:
        InvalidInput: a limit out of range.
    """
    if not 1 <= limit <= MAX_FIRES:
        raise InvalidInput(f"first is from 1 to {MAX_FIRES}.", path=["first"])


def with_notes(spec: Spec, times: Iterable[datetime]) -> list[UpcomingFire]:
    """Return instants of a specification with what the clock shows and a change of it did."""
    zone = find_zone(spec.timezone)
    return [UpcomingFire(at, at.astimezone(zone), _note(spec, at, zone)) for at in times]


def _note(spec: Spec, at: datetime, zone: ZoneInfo) -> str | None:
    if isinstance(spec, IntervalSpec):
        return None
    wall = at.astimezone(zone).replace(tzinfo=None)
    passes = instants_of(wall, zone)
    if len(passes) > 1:
        number = "first" if passes[0] == at.astimezone(UTC) else "second"
        only = "" if is_by_elapsed_time(spec) else " only"
        return f"{wall:%H:%M} comes twice, as the clocks go back; this is the {number} time{only}."
    gap = gap_before(at, zone)
    if gap is None or is_by_elapsed_time(spec):
        return None
    wanted = next(walls(spec, after=gap[0] - _SECOND, steps=Steps()), None)
    if wanted is None or wanted >= gap[1]:
        return None
    return f"{wanted:%Y-%m-%d %H:%M} is skipped, as the clocks go forward; it fires right after."
