"""One run of a flow: what its process knows of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.clock import now_us
from headgate.states import Pending, State, StateType


class FlowRun:
    """One run of a flow, as hooks and the runtime see it.

    Attributes:
        expected_start_time: when it was due first, aware, in UTC, however often it has started
            since; where nobody planned it, as it began here.
        flow_id: of its flow on the server; None where that does not know of the run, or not yet.
        created: when the server heard of it; as it began here where that does not say.
        parent_deployment_id: what the run comes from that this one is a part of, or None.
    """

    __slots__ = (
        "_state",
        "created",
        "deployment_id",
        "deployment_name",
        "deployment_version",
        "expected_start_time",
        "flow_id",
        "flow_name",
        "flow_version",
        "id",
        "job_variables",
        "name",
        "parameters",
        "parent_deployment_id",
        "parent_flow_run_id",
        "parent_task_run_id",
        "root_flow_run_id",
        "run_count",
        "start_time_us",
        "tags",
        "work_pool_name",
        "work_queue_name",
    )

    def __init__(
        self,
        *,
        id: str,
        name: str,
        flow_name: str,
        parameters: dict[str, Any],
        tags: frozenset[str],
        parent_task_run_id: str | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.flow_name = flow_name
        self.parameters = parameters
        self.tags = tags
        self.parent_task_run_id = parent_task_run_id
        self.deployment_id: str | None = None
        self.deployment_name: str | None = None
        self.deployment_version: str | None = None
        self.flow_id: str | None = None
        self.flow_version: str | None = None
        self.job_variables: dict[str, Any] = {}
        self.parent_deployment_id: str | None = None
        self.parent_flow_run_id: str | None = None
        self.root_flow_run_id = id
        self.run_count = 0
        self.work_pool_name: str | None = None
        self.work_queue_name: str | None = None
        self.state = Pending()
        self.start_time_us = now_us()
        self.expected_start_time = self.created = self.start_time

    @property
    def state(self) -> State[Any]:
        """What it is in."""
        return self._state

    @state.setter
    def state(self, state: State[Any]) -> None:
        state.belong_to(flow_run_id=self.id)
        self._state = state

    @property
    def state_name(self) -> str:
        """The name of the state it is in."""
        return self.state.name

    @property
    def state_type(self) -> StateType:
        """The type of the state it is in."""
        return self.state.type

    @property
    def end_time(self) -> datetime | None:
        """When it ended, aware, in UTC; None while it has not."""
        return self.state.timestamp if self.state.is_final() else None

    @property
    def total_run_time(self) -> timedelta:
        """How long it has run, or ran, here; what was before a suspension is not in it."""
        until_us = self.state.timestamp_us if self.state.is_final() else now_us()
        return timedelta(microseconds=max(0, until_us - self.start_time_us))

    @property
    def estimated_run_time(self) -> timedelta:
        """How long it has run, or ran, here."""
        return self.total_run_time

    @property
    def scheduled_start_time(self) -> datetime:
        """When it was due, aware, in UTC: where nobody planned it, as it began here."""
        return self.expected_start_time

    @property
    def start_time(self) -> datetime:
        """When it began here, aware, in UTC."""
        return datetime.fromtimestamp(self.start_time_us / 1_000_000, tz=UTC)
