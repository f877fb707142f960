"""Schedules as Prefect's users write them: ``Cron("0 6 * * *", timezone="Europe/Berlin")``."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from headgate.deployments import schedules


def Cron(  # noqa: N802 - Prefect's name
    cron: str,
    /,
    timezone: str | None = None,
    day_or: bool = True,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    active: bool = True,  # noqa: FBT001, FBT002
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
) -> schedules.Cron:
    """Return a schedule that fires by a cron expression, on the clock of a time zone."""
    return schedules.Cron(
        cron=cron,
        timezone=timezone or "UTC",
        day_or=day_or,
        slug=slug,
        is_active=active,
        parameters=parameters or {},
    )


def Interval(  # noqa: N802 - Prefect's name
    interval: timedelta | float,
    /,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
) -> schedules.Interval:
    """Return a schedule that fires again and again, so many seconds after the anchor.

    Args:
        timezone: of an anchor that has none; UTC if not said.
    """
    anchor = anchor_date
    if anchor is not None and anchor.tzinfo is None:
        anchor = anchor.replace(tzinfo=ZoneInfo(timezone or "UTC"))
    return schedules.Interval(
        every=interval if isinstance(interval, timedelta) else timedelta(seconds=interval),
        anchor=anchor,
        slug=slug,
        is_active=active,
        parameters=parameters or {},
    )


def RRule(  # noqa: N802 - Prefect's name
    rrule: str,
    /,
    timezone: str | None = None,
    active: bool = True,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
) -> schedules.RRule:
    """Return a schedule that fires by a recurrence rule of RFC 5545."""
    return schedules.RRule(
        rrule=rrule,
        timezone=timezone or "UTC",
        slug=slug,
        is_active=active,
        parameters=parameters or {},
    )


Schedule = schedules.Schedule


def CronSchedule(  # noqa: N802 - Prefect's name
    cron: str,
    timezone: str | None = None,
    day_or: bool = True,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
) -> schedules.Cron:
    """Return a schedule by a cron expression, as ``headgate.client.schemas.schedules`` has it."""
    return Cron(cron, timezone=timezone, day_or=day_or)


def IntervalSchedule(  # noqa: N802 - Prefect's name
    interval: timedelta | float,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
) -> schedules.Interval:
    """Return a schedule by an interval, as ``headgate.client.schemas.schedules`` has it."""
    return Interval(interval, anchor_date=anchor_date, timezone=timezone)


def RRuleSchedule(  # noqa: N802 - Prefect's name
    rrule: str, timezone: str | None = None
) -> schedules.RRule:
    """Return a schedule by a recurrence rule, as ``headgate.client.schemas.schedules`` has it."""
    return RRule(rrule, timezone=timezone)


__all__ = [
    "Cron",
    "CronSchedule",
    "Interval",
    "IntervalSchedule",
    "RRule",
    "RRuleSchedule",
    "Schedule",
]
