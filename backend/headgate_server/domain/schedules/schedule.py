"""A schedule as it is stored, and as someone asks for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain.schedules.catch_up import NO_CATCH_UP, CatchUp
from headgate_server.domain.schedules.specs import Spec

MAX_SCHEDULES = 50
"""How many schedules one deployment has."""


class ScheduleStatus(StrEnum):
    """Whether a schedule fires, and what keeps it from that, the nearest first.

    PAUSED and DEPLOYMENT_PAUSED: somebody paused it, or its deployment. HELD: nothing starts in its
    workspace. ENDED: its rule is over, and none of its runs waits any more.
    """

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DEPLOYMENT_PAUSED = "DEPLOYMENT_PAUSED"
    HELD = "HELD"
    ENDED = "ENDED"


class Due(StrEnum):
    """Which due schedules: those that are on time, those that an outage left behind, or both."""

    ALL = "ALL"
    ON_TIME = "ON_TIME"
    BEHIND = "BEHIND"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a deployment runs by itself; ``next_fire_at`` is the next instant without a run yet.

    Where it makes none, that is None; held with its workspace, it goes on from ``held_fire_at``.
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
    held_fire_at: datetime | None
    missed_count: int
    episode_missed: int
    episode_started_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    def status(self, *, is_deployment_paused: bool) -> ScheduleStatus:
        """Return why nothing is ahead of it: see ``upcoming.Ahead``."""
        if not self.is_active:
            return ScheduleStatus.PAUSED
        if is_deployment_paused:
            return ScheduleStatus.DEPLOYMENT_PAUSED
        return ScheduleStatus.ENDED if self.held_fire_at is None else ScheduleStatus.HELD


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
