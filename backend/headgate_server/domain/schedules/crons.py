"""Crons: the wall-clock times that five fields name."""

from collections.abc import Iterator
from datetime import datetime

from cronsim import CronSim, CronSimError

from headgate_server.domain.schedules.specs import CronSpec, InvalidSpec

MAX_LENGTH = 200
PATH = ("spec", "cron", "cron")

_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")


def walls(spec: CronSpec, *, after: datetime) -> Iterator[datetime]:
    """Return the wall-clock times after another one, in order; none for a day there is not.

    Raises:
        InvalidSpec: not a cron; the position is that of the field at fault.
    """
    try:
        if len(spec.cron) > MAX_LENGTH or len(spec.cron.split()) != len(_FIELDS):
            raise CronSimError("A cron has five fields")
        cron = CronSim(spec.cron, after)
    except (CronSimError, AssertionError, ValueError) as error:
        reason = str(error) or "Malformed"
        raise InvalidSpec(
            f"{reason}: a cron is minute, hour, day of month, month and day of week, such as "
            "`0 6 * * MON-FRI`.",
            path=PATH,
            position=_position(spec.cron, reason),
        ) from None
    if not spec.day_or:
        cron.day_and = True
    return cron


def is_by_elapsed_time(spec: CronSpec) -> bool:
    """Whether it names no hour and minute, so that both passes of an overlap count."""
    minute, hour = spec.cron.split()[:2]
    return minute.startswith("*") or hour.startswith("*")


def _position(cron: str, reason: str) -> int | None:
    """Return where the field begins that the parser's message names."""
    name = reason.removeprefix("Bad ")
    if name not in _FIELDS:
        return None
    at = 0
    for field in cron.split()[: _FIELDS.index(name) + 1]:
        at = cron.index(field, at) + len(field)
    return at - len(cron.split()[_FIELDS.index(name)])
