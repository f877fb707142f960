"""Schedules as Prefect's users give them to a client, a deployment or ``serve``."""

from typing import TYPE_CHECKING

from headgate import elsewhere

if TYPE_CHECKING:
    from headgate.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

__all__ = ["CronSchedule", "IntervalSchedule", "RRuleSchedule"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__, dict.fromkeys(__all__, "headgate.schedules"))
