"""Filters of the client's lists, as Prefect's users write them.

Each turns into the filter of the API. Criteria that the API does not have are refused as the
filter is made, and so are those of names that are elsewhere.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.client.schemas.criteria import (
    AnyId,
    AnyKey,
    AnyName,
    AnyParent,
    Criterion,
    InState,
    Made,
    OptionalTimes,
    StateNames,
    StateTypes,
    Tags,
    Times,
    all_of,
    given,
    made_of,
)

FlowFilterId = FlowRunFilterId = TaskRunFilterId = DeploymentFilterId = AnyId
FlowFilterName = FlowRunFilterName = TaskRunFilterName = DeploymentFilterName = AnyName
FlowFilterTags = FlowRunFilterTags = DeploymentFilterTags = VariableFilterTags = Tags
FlowRunFilterState = TaskRunFilterState = InState
FlowRunFilterStateType = TaskRunFilterStateType = StateTypes
FlowRunFilterStateName = TaskRunFilterStateName = StateNames
FlowRunFilterStartTime = FlowRunFilterEndTime = OptionalTimes
FlowRunFilterExpectedStartTime = LogFilterTimestamp = Times
FlowRunFilterDeploymentId = FlowRunFilterParentTaskRunId = AnyParent
TaskRunFilterFlowRunId = LogFilterFlowRunId = LogFilterTaskRunId = AnyId
ArtifactFilterKey = ArtifactFilterType = ArtifactCollectionFilterKey = AnyKey
ArtifactCollectionFilterType = AnyKey
VariableFilterName = AnyName


class Operator(StrEnum):
    """Whether all criteria of a filter must hold, or one."""

    and_ = "and_"
    or_ = "or_"


class _Filter(Criterion):
    """Criteria of one kind of objects, all of which must hold unless the operator is ``or_``."""

    operator: Operator = Operator.and_

    def _parts(self) -> list[Made]:
        raise NotImplementedError

    def as_filter(self) -> Made:
        """Return the API's filter; empty where nothing is asked for."""
        parts = [part for part in self._parts() if part]
        if self.operator is Operator.or_ and len(parts) > 1:
            return {"or": parts}
        return all_of(*parts)


def _part(name: str, criterion: Criterion | None) -> Made:
    return given({name: made_of(criterion)})


class FlowFilter(_Filter):
    """Which flows."""

    id: AnyId | None = None
    name: AnyName | None = None
    tags: Tags | None = None

    def _parts(self) -> list[Made]:
        return [_part("id", self.id), _part("name", self.name), _part("tags", self.tags)]


class DeploymentFilter(_Filter):
    """Which deployments."""

    id: AnyId | None = None
    name: AnyName | None = None
    tags: Tags | None = None

    def _parts(self) -> list[Made]:
        return [_part("id", self.id), _part("name", self.name), _part("tags", self.tags)]


class FlowRunFilter(_Filter):
    """Which flow runs."""

    id: AnyId | None = None
    name: AnyName | None = None
    tags: Tags | None = None
    deployment_id: AnyParent | None = None
    state: InState | None = None
    start_time: OptionalTimes | None = None
    end_time: OptionalTimes | None = None
    expected_start_time: Times | None = None
    parent_task_run_id: AnyParent | None = None

    def _parts(self) -> list[Made]:
        deployment = _part("id", self.deployment_id)
        return [
            _part("id", self.id),
            _part("name", self.name),
            _part("tags", self.tags),
            {"deployment": deployment} if deployment else {},
            made_of(self.state) or {},
            _part("startedAt", self.start_time),
            _part("endedAt", self.end_time),
            _part("expectedStart", self.expected_start_time),
            _part("parentTaskRunId", self.parent_task_run_id),
        ]


class TaskRunFilter(_Filter):
    """Which task runs."""

    id: AnyId | None = None
    name: AnyName | None = None
    state: InState | None = None
    flow_run_id: AnyId | None = None

    def _parts(self) -> list[Made]:
        return [
            _part("id", self.id),
            _part("name", self.name),
            made_of(self.state) or {},
            _part("flowRunId", self.flow_run_id),
        ]


class LogFilterLevel(Criterion):
    """Lines of this level and above."""

    ge_: int | None = None


class LogFilterTextSearch(Criterion):
    """Lines with a text in them, however it is capitalized."""

    query: str


class LogFilter(Criterion):
    """Which lines of the log of one flow run, or of one of its task runs."""

    level: LogFilterLevel | None = None
    timestamp: Times | None = None
    flow_run_id: AnyId | None = None
    task_run_id: AnyId | None = None
    text: LogFilterTextSearch | None = None

    def as_filter(self) -> Made:
        """Return the API's ``LogFilter``; the flow run is asked for its log, and is not in it."""
        return given(
            {
                "minLevel": self.level.ge_ if self.level else None,
                "timestamp": made_of(self.timestamp),
                "taskRunId": made_of(self.task_run_id),
                "text": self.text.query if self.text else None,
            }
        )


class ArtifactFilter(Criterion):
    """Which artifacts."""

    key: AnyKey | None = None
    type: AnyKey | None = None

    def as_filter(self) -> Made:
        """Return the API's ``ArtifactFilter``."""
        return given({"key": made_of(self.key), "type": made_of(self.type)})


class ArtifactCollectionFilter(ArtifactFilter):
    """Which keys of artifacts, each by its latest one."""

    def as_filter(self) -> Made:
        """Return the API's ``ArtifactFilter``."""
        return {**super().as_filter(), "latestPerKey": True}


class VariableFilter(Criterion):
    """Which variables."""

    name: AnyName | None = None
    tags: Tags | None = None

    def as_filter(self) -> Made:
        """Return the API's ``NameFilter``."""
        return given({"name": made_of(self.name), "tags": made_of(self.tags)})


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
