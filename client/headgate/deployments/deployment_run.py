"""A run of a deployment as the code that started it sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.clock import now_us
from headgate.states import State, StateType


@dataclass(frozen=True, slots=True)
class DeploymentRun:
    """A run of a deployment as it was when it was last looked at.

    Where the deployment coalesced it, it is the one that waited already and does for it as well.

    ``state.result()`` is what the other run kept, see ``persist_result``; it raises
    ``MissingResult`` where that is nothing, or cannot be read here.

    Args:
        parameters, tags: the run's own where a key looks; inside of a run, whose token sees no more
            than how the other goes, those that it was asked with, and None where another does for
            it.
        flow_id, flow_name: of its flow; None where a run's token looks.
        run_count: how often it has started; None where a run's token looks.
        parent_task_run_id: of the task run that shows it in the run around the call.
    """

    id: str
    name: str
    state: State[Any]
    deployment_id: str | None = None
    expected_start: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    parameters: Mapping[str, Any] | None = None
    tags: Sequence[str] | None = None
    flow_id: str | None = None
    flow_name: str | None = None
    run_count: int | None = None
    parent_task_run_id: str | None = None

    def with_asked(
        self,
        parameters: Mapping[str, Any],
        *,
        tags: Sequence[str],
        parent_task_run_id: str | None,
    ) -> "DeploymentRun":
        """Return it with what it was asked with, where it does not say itself."""
        return replace(
            self,
            parameters=parameters if self.parameters is None else self.parameters,
            tags=tags if self.tags is None else self.tags,
            parent_task_run_id=parent_task_run_id,
        )

    @property
    def state_name(self) -> str:
        """The name of the state that it was in."""
        return self.state.name

    @property
    def state_type(self) -> StateType:
        """The type of the state that it was in."""
        return self.state.type

    @property
    def expected_start_time(self) -> datetime | None:
        """When it was due."""
        return self.expected_start

    @property
    def start_time(self) -> datetime | None:
        """When it began first; None where it had not."""
        return self.started_at

    @property
    def end_time(self) -> datetime | None:
        """When it ended; None where it had not."""
        return self.ended_at

    @property
    def total_run_time(self) -> timedelta:
        """How long it has run: from its first start to its end, or to now."""
        if self.started_at is None:
            return timedelta()
        now = datetime.fromtimestamp(now_us() / 1_000_000, tz=UTC)
        return max(timedelta(), (self.ended_at or now) - self.started_at)

    @property
    def estimated_run_time(self) -> timedelta:
        """How long it has run."""
        return self.total_run_time
