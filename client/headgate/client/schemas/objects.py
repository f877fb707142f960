"""What the client returns: runs with states that can be asked, and what else a workspace holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from headgate import elsewhere
from headgate.api import flow_runs, task_runs
from headgate.api.artifacts import ArtifactAnswer as Artifact
from headgate.api.blocks import BlockAnswer as BlockDocument
from headgate.api.concurrency_limits import LimitAnswer as GlobalConcurrencyLimit
from headgate.api.deployments import DeploymentAnswer as Deployment
from headgate.api.flows import FlowAnswer as Flow
from headgate.api.logs import LogLine as Log
from headgate.api.schedules import ScheduleAnswer as DeploymentSchedule
from headgate.api.states import StateAnswer
from headgate.api.variables import VariableAnswer as Variable
from headgate.api.work_pools import AgentAnswer as Worker
from headgate.api.work_pools import WorkPoolAnswer as WorkPool
from headgate.api.work_pools import WorkQueueAnswer as WorkQueue
from headgate.client.schemas.actions import WorkPoolUpdate
from headgate.clock import now_us
from headgate.engine.flow_results import KeptState
from headgate.states import State, StateType

ArtifactCollection = Artifact
ConcurrencyLimit = GlobalConcurrencyLimit

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    id: str
    name: str
    state: State[Any]
    tags: list[str]
    run_count: int
    start_time: datetime | None
    end_time: datetime | None

    @property
    def state_name(self) -> str:
        """The name of the state it is in."""
        return self.state.name

    @property
    def state_type(self) -> StateType:
        """The type of the state it is in."""
        return self.state.type

    @property
    def total_run_time(self) -> timedelta:
        """How long it has run: from its first start to its end, or to now."""
        if self.start_time is None:
            return timedelta()
        until = self.end_time.timestamp() if self.end_time else now_us() / _MICROSECONDS
        return timedelta(seconds=max(0.0, until - self.start_time.timestamp()))


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun(_Run):
    """A flow run as the server has it; ``state.result()`` is what it kept, see persist_result."""

    parameters: Mapping[str, Any]
    expected_start_time: datetime | None
    flow_id: str
    flow_name: str
    deployment_id: str | None
    deployment_name: str | None
    priority: int

    @classmethod
    def of(cls, found: flow_runs.FlowRun) -> "FlowRun":
        """Return a run that the API told."""
        return cls(
            id=found.id,
            name=found.name,
            state=state_of(found.state),
            tags=found.tags,
            run_count=found.attempt,
            start_time=found.started_at,
            end_time=found.ended_at,
            parameters=found.parameters,
            expected_start_time=found.expected_start,
            flow_id=found.flow.id,
            flow_name=found.flow.name,
            deployment_id=found.deployment.id if found.deployment else None,
            deployment_name=found.deployment.name if found.deployment else None,
            priority=found.priority,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun(_Run):
    """A task run as the server has it."""

    task_key: str
    map_index: int | None

    @classmethod
    def of(cls, found: task_runs.TaskRun) -> "TaskRun":
        """Return a run that the API told."""
        return cls(
            id=found.id,
            name=found.name,
            state=state_of(found.state),
            tags=found.tags,
            run_count=found.attempt,
            start_time=found.started_at,
            end_time=found.ended_at,
            task_key=found.task_key,
            map_index=found.map_index,
        )


class ConcurrencyLimitStrategy(StrEnum):
    """What becomes of a run for which there is no place: it waits, or is cancelled."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrencyLimitConfig:
    """How many runs of a deployment agents hold at once, and what follows when one more is made.

    Args:
        grace_period_seconds: nothing: a place is taken as a run begins to run.
    """

    limit: int
    collision_strategy: ConcurrencyLimitStrategy = ConcurrencyLimitStrategy.ENQUEUE
    grace_period_seconds: int | None = None


class WorkPoolStatus(StrEnum):
    """Whether a pool gives its runs to agents."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


def state_of(told: StateAnswer) -> State[Any]:
    """Return a state that the API told; the result of a completed one is read where it was kept."""
    return KeptState(
        StateType(told.type),
        name=told.name,
        message=told.message,
        timestamp_us=int(told.timestamp.timestamp() * _MICROSECONDS),
        details=told.details,
    )


__all__ = [
    "Artifact",
    "ArtifactCollection",
    "BlockDocument",
    "ConcurrencyLimit",
    "ConcurrencyLimitConfig",
    "ConcurrencyLimitStrategy",
    "Deployment",
    "DeploymentSchedule",
    "Flow",
    "FlowRun",
    "GlobalConcurrencyLimit",
    "Log",
    "State",
    "StateType",
    "TaskRun",
    "Variable",
    "WorkPool",
    "WorkPoolStatus",
    "WorkPoolUpdate",
    "WorkQueue",
    "Worker",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
