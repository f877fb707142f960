"""Blockers: why a run is not running, the nearest cause first, and what would end each. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from headgate_server.domain.blocker_actions import Action
from headgate_server.domain.pauses import Approvers
from headgate_server.domain.quotas import Quota
from headgate_server.domain.schedules.schedule import Schedule


class BlockerCode(StrEnum):
    """What holds a run up."""

    COLLISION = "COLLISION"
    PAUSED = "PAUSED"
    START_TIME_AHEAD = "START_TIME_AHEAD"
    RETRY_DELAY = "RETRY_DELAY"
    OFFER_BOUNCING = "OFFER_BOUNCING"
    SCHEDULE_PAUSED = "SCHEDULE_PAUSED"
    PARAMETERS_REFUSED = "PARAMETERS_REFUSED"
    DEPLOYMENT_PAUSED = "DEPLOYMENT_PAUSED"
    DEPLOYMENT_LIMIT = "DEPLOYMENT_LIMIT"
    GLOBAL_LIMIT = "GLOBAL_LIMIT"
    TAG_LIMIT = "TAG_LIMIT"
    QUEUE_PAUSED = "QUEUE_PAUSED"
    QUEUE_LIMIT = "QUEUE_LIMIT"
    POOL_PAUSED = "POOL_PAUSED"
    POOL_LIMIT = "POOL_LIMIT"
    NO_POOL = "NO_POOL"
    NO_AGENT = "NO_AGENT"
    NO_WORKER = "NO_WORKER"
    NO_ROOM = "NO_ROOM"
    QUOTA = "QUOTA"
    WORKSPACE_ARCHIVED = "WORKSPACE_ARCHIVED"
    ORGANIZATION_SUSPENDED = "ORGANIZATION_SUSPENDED"
    BEING_STARTED = "BEING_STARTED"
    WAITS_FOR_TURN = "WAITS_FOR_TURN"


@dataclass(frozen=True, slots=True)
class Blocker:
    """One cause.

    Args:
        since: since when, as far as that is kept.
        holders: runs that hold what is waited for, the longest first; some of them.
        queue_position: how many are served before, as far as they are counted.
        expected_start: when this cause will probably have gone, if nobody does anything.
        action: what would end it.
        held_tasks: background tasks that hold what is waited for, the longest first; some of them.
    """

    code: BlockerCode
    message: str
    since: datetime | None = None
    holders: tuple[UUID, ...] = ()
    queue_position: int | None = None
    expected_start: datetime | None = None
    action: Action | None = None
    held_tasks: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotWait:
    """A concurrency limit that a run's code or a task waits for.

    Args:
        since: None where it has not begun to wait.
        ahead: slots that are waited for before.
    """

    id: UUID
    name: str
    task_tag: str | None
    limit: int
    slot_decay_per_second: float
    slots: int
    since: datetime | None
    ahead: int
    taken: int
    free_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """All that may hold a run up, as one row of the database says; ``row`` is that row.

    ``schedule`` is the one whose next run is asked about, and ``refusal`` says why its parameters
    are no good for the deployment as it is by now; ``quotas`` are used up.
    ``approvers`` may answer what the run asks for; ``may_answer``: whether whoever asks is one.
    """

    now: datetime
    row: Mapping[str, Any]
    waits: Sequence[SlotWait] = ()
    holders: Mapping[str, Sequence[UUID]] = field(default_factory=dict[str, Sequence[UUID]])
    mean_seconds: float | None = None
    schedule: Schedule | None = None
    refusal: str | None = None
    quotas: Sequence[Quota] = ()
    approvers: Approvers | None = None
    may_answer: bool = True

    def of(self, name: str) -> Any:
        """Return a column of the row."""
        return self.row[name]

    @property
    def is_waiting(self) -> bool:
        """Whether the run waits for an agent, or will once what is nearer has ended.

        So does one that is asked about before it is made, one that has no process to be resumed
        in, and one that was cancelled for others and may be run all the same.
        """
        if self.of("run_id") is None:
            return True
        if self.of("state_type") == "SCHEDULED":
            return bool(self.of("phase") == "READY")
        is_out = self.of("state_type") == "PAUSED" or bool(self.of("collision"))
        return is_out and self.of("phase") is None and not self.is_placeless

    @property
    def is_placeless(self) -> bool:
        """Whether a run without a process could not be run by an agent again."""
        has_place = self.of("deployment_name") is not None and self.of("queue_name") is not None
        return self.of("phase") is None and not has_place

    def likely(self, *, room: int, ahead: int) -> datetime | None:
        """Return when a place will probably be free, by how long such runs take."""
        if self.mean_seconds is None or room < 1:
            return None
        rounds = ahead // room + 1
        return self.now + timedelta(seconds=self.mean_seconds * rounds)
