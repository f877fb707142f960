"""A schedule as it is stored, and as someone asks for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain.schedules.catch_up import NO_CATCH_UP, CatchUp
from headgate_server.domain.schedules.specs import Spec
from headgate_server.domain.schedules.times import first_time

MAX_SCHEDULES = 50
"""How many schedules one deployment has."""


class Due(StrEnum):
    """Which due schedules: those that are on time, those that an outage left behind, or both."""

    ALL = "ALL"
    ON_TIME = "ON_TIME"
    BEHIND = "BEHIND"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a deployment runs by itself; ``next_fire_at`` is the next instant without a run yet.

    ``missed_count`` counts every instant that was skipped; ``episode_missed`` those of an outage
    that is still being gone through, since ``episode_started_at``.
    """

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
    episode_missed: int
    episode_started_at: datetime | None
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
    catch_up: CatchUp = NO_CATCH_UP
