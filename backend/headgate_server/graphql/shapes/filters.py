"""Filters: comparators, and one input per object with and, or and not.

At most 3 levels, 50 conditions and 250 values in a list; the domain refuses the rest.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from headgate_server.domain import filters, ids, logs
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.states import StateType
from headgate_server.graphql.enums import Direction

_ALL = "Every one of these holds."
_ANY = "At least one of these holds; an empty list matches nothing."
_NOT = "This does not hold."


@strawberry.input(description="Compares an id.")
class IdFilter:
    eq: strawberry.ID | None = strawberry.field(default=None, description="Is this one.")
    in_: list[strawberry.ID] | None = strawberry.field(
        name="in", default=None, description="Is one of these; at most 250."
    )
    not_in: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Is none of these; at most 250."
    )
    is_null: bool | None = strawberry.field(default=None, description="Is not set, or is set.")

    def to_filter(self, kind: ids.Kind) -> filters.IdFilter:
        """Return the comparator; every id is of one kind."""
        return filters.IdFilter(
            eq=None if self.eq is None else ids.parse(self.eq, kind=kind),
            in_=_ids(self.in_, kind),
            not_in=_ids(self.not_in, kind),
            is_null=self.is_null,
        )


@strawberry.input(description="Compares a text.")
class StringFilter:
    eq: str | None = strawberry.field(default=None, description="Is this, exactly.")
    in_: list[str] | None = strawberry.field(
        name="in", default=None, description="Is one of these, exactly; at most 250."
    )
    contains: str | None = strawberry.field(
        default=None, description="Holds this, whatever the case; at most 1,000 characters."
    )
    starts_with: str | None = strawberry.field(
        default=None, description="Starts with this, whatever the case; at most 1,000 characters."
    )

    def to_filter(self) -> filters.StringFilter:
        """Return the comparator."""
        return filters.StringFilter(
            eq=self.eq,
            in_=_tuple(self.in_),
            contains=self.contains,
            starts_with=self.starts_with,
        )


@strawberry.input(description="Compares a time.")
class TimeFilter:
    gte: datetime | None = strawberry.field(default=None, description="Is this time or later.")
    lt: datetime | None = strawberry.field(default=None, description="Is before this time.")
    is_null: bool | None = strawberry.field(default=None, description="Is not set, or is set.")

    def to_filter(self) -> filters.TimeFilter:
        """Return the comparator."""
        return filters.TimeFilter(gte=self.gte, lt=self.lt, is_null=self.is_null)


@strawberry.input(description="Compares tags.")
class TagFilter:
    all: list[str] | None = strawberry.field(default=None, description="Has all of these.")
    any: list[str] | None = strawberry.field(default=None, description="Has one of these.")
    none: list[str] | None = strawberry.field(default=None, description="Has none of these.")

    def to_filter(self) -> filters.TagFilter:
        """Return the comparator."""
        return filters.TagFilter(
            all_of=_tuple(self.all), any_of=_tuple(self.any), none_of=_tuple(self.none)
        )


@strawberry.input(description="Compares the state a run is in.")
class StateFilter:
    type: list[StateType] | None = strawberry.field(
        default=None, description="Is of one of these types."
    )
    name: list[str] | None = strawberry.field(
        default=None, description="Has one of these names; at most 250."
    )

    def to_filter(self) -> filters.StateFilter:
        """Return the comparator."""
        return filters.StateFilter(types=_tuple(self.type), names=_tuple(self.name))


@strawberry.input(description="Narrows a list of workspaces.")
class WorkspaceFilter:
    slug: StringFilter | None = strawberry.field(default=None, description="By slug.")
    name: StringFilter | None = strawberry.field(default=None, description="By name.")

    def to_filter(self) -> filters.WorkspaceFilter:
        """Return the filter."""
        return filters.WorkspaceFilter(slug=_of(self.slug), name=_of(self.name))


@strawberry.input(description="Narrows a list of named, tagged objects.")
class NameFilter:
    name: StringFilter | None = strawberry.field(default=None, description="By name.")
    tags: TagFilter | None = strawberry.field(default=None, description="By tags.")

    def to_filter(self) -> filters.NameFilter:
        """Return the filter."""
        return filters.NameFilter(name=_of(self.name), tags=_of(self.tags))


@strawberry.input(description="Narrows a list of flows, or of what belongs to flows.")
class FlowFilter:
    id: IdFilter | None = strawberry.field(default=None, description="By id.")
    name: StringFilter | None = strawberry.field(default=None, description="By name.")
    tags: TagFilter | None = strawberry.field(default=None, description="By tags.")
    and_: list["FlowFilter"] | None = strawberry.field(name="and", default=None, description=_ALL)
    or_: list["FlowFilter"] | None = strawberry.field(name="or", default=None, description=_ANY)
    not_: "FlowFilter | None" = strawberry.field(name="not", default=None, description=_NOT)

    def to_filter(self) -> filters.FlowFilter:
        """Return the filter."""
        return filters.FlowFilter(
            id=_of(self.id, ids.Kind.FLOW),
            name=_of(self.name),
            tags=_of(self.tags),
            and_=_each(self.and_),
            or_=_each(self.or_),
            not_=_of(self.not_),
        )


@strawberry.input(description="Narrows a list of deployments, or of their runs.")
class DeploymentFilter:
    id: IdFilter | None = strawberry.field(default=None, description="By id.")
    name: StringFilter | None = strawberry.field(default=None, description="By name.")
    paused: bool | None = strawberry.field(default=None, description="Is paused, or is not.")
    flow: FlowFilter | None = strawberry.field(default=None, description="By flow.")
    tags: TagFilter | None = strawberry.field(default=None, description="By tags.")
    and_: list["DeploymentFilter"] | None = strawberry.field(
        name="and", default=None, description=_ALL
    )
    or_: list["DeploymentFilter"] | None = strawberry.field(
        name="or", default=None, description=_ANY
    )
    not_: "DeploymentFilter | None" = strawberry.field(name="not", default=None, description=_NOT)

    def to_filter(self) -> filters.DeploymentFilter:
        """Return the filter."""
        return filters.DeploymentFilter(
            id=_of(self.id, ids.Kind.DEPLOYMENT),
            name=_of(self.name),
            is_paused=self.paused,
            flow=_of(self.flow),
            tags=_of(self.tags),
            and_=_each(self.and_),
            or_=_each(self.or_),
            not_=_of(self.not_),
        )


@strawberry.input(description="Narrows a list of flow runs.")
class FlowRunFilter:
    id: IdFilter | None = strawberry.field(default=None, description="By id.")
    name: StringFilter | None = strawberry.field(default=None, description="By name.")
    state: StateFilter | None = strawberry.field(default=None, description="By current state.")
    tags: TagFilter | None = strawberry.field(default=None, description="By tags.")
    expected_start: TimeFilter | None = strawberry.field(
        default=None, description="By the time it was due."
    )
    started_at: TimeFilter | None = strawberry.field(
        default=None, description="By the time it first started."
    )
    ended_at: TimeFilter | None = strawberry.field(
        default=None, description="By the time it ended."
    )
    flow: FlowFilter | None = strawberry.field(default=None, description="By flow.")
    deployment: DeploymentFilter | None = strawberry.field(
        default=None, description="By deployment."
    )
    work_pool_id: IdFilter | None = strawberry.field(default=None, description="By work pool.")
    work_queue_id: IdFilter | None = strawberry.field(default=None, description="By work queue.")
    parent_task_run_id: IdFilter | None = strawberry.field(
        default=None, description="By the task run that stands for it in its parent."
    )
    and_: list["FlowRunFilter"] | None = strawberry.field(
        name="and", default=None, description=_ALL
    )
    or_: list["FlowRunFilter"] | None = strawberry.field(name="or", default=None, description=_ANY)
    not_: "FlowRunFilter | None" = strawberry.field(name="not", default=None, description=_NOT)

    def to_filter(self) -> filters.FlowRunFilter:
        """Return the filter."""
        return filters.FlowRunFilter(
            id=_of(self.id, ids.Kind.FLOW_RUN),
            name=_of(self.name),
            state=_of(self.state),
            tags=_of(self.tags),
            expected_start=_of(self.expected_start),
            started_at=_of(self.started_at),
            ended_at=_of(self.ended_at),
            flow=_of(self.flow),
            deployment=_of(self.deployment),
            work_pool_id=_of(self.work_pool_id, ids.Kind.WORK_POOL),
            work_queue_id=_of(self.work_queue_id, ids.Kind.WORK_QUEUE),
            parent_task_run_id=_of(self.parent_task_run_id, ids.Kind.TASK_RUN),
            and_=_each(self.and_),
            or_=_each(self.or_),
            not_=_of(self.not_),
        )


@strawberry.input(description="Narrows a list of task runs.")
class TaskRunFilter:
    id: IdFilter | None = strawberry.field(default=None, description="By id.")
    name: StringFilter | None = strawberry.field(default=None, description="By name.")
    state: StateFilter | None = strawberry.field(default=None, description="By current state.")
    flow_run_id: IdFilter | None = strawberry.field(default=None, description="By flow run.")
    and_: list["TaskRunFilter"] | None = strawberry.field(
        name="and", default=None, description=_ALL
    )
    or_: list["TaskRunFilter"] | None = strawberry.field(name="or", default=None, description=_ANY)
    not_: "TaskRunFilter | None" = strawberry.field(name="not", default=None, description=_NOT)

    def to_filter(self) -> filters.TaskRunFilter:
        """Return the filter."""
        return filters.TaskRunFilter(
            id=_of(self.id, ids.Kind.TASK_RUN),
            name=_of(self.name),
            state=_of(self.state),
            flow_run_id=_of(self.flow_run_id, ids.Kind.FLOW_RUN),
            and_=_each(self.and_),
            or_=_each(self.or_),
            not_=_of(self.not_),
        )


@strawberry.input(description="Narrows a list of log lines.")
class LogFilter:
    min_level: int | None = strawberry.field(
        default=None, description="At least this level: 10 debug, 20 info, 30 warning, 40 error."
    )
    task_run_id: IdFilter | None = strawberry.field(
        default=None, description="Of these task runs; eq and in only."
    )
    text: str | None = strawberry.field(
        default=None, description="Holds this, whatever the case; at most 1,000 characters."
    )
    timestamp: TimeFilter | None = strawberry.field(
        default=None, description="By time; gte and lt only."
    )

    def to_filter(self) -> logs.LogFilter:
        """Return the filter.

        Raises:
            InvalidInput: an over-long text.
        """
        if self.text is not None and len(self.text) > filters.MAX_TEXT_LENGTH:
            raise InvalidInput(
                f"text has at most {filters.MAX_TEXT_LENGTH:,} characters.", path=["text"]
            )
        wanted: tuple[UUID, ...] | None = None
        if self.task_run_id is not None:
            one = self.task_run_id.to_filter(ids.Kind.TASK_RUN)
            wanted = one.in_ if one.eq is None else (one.eq,)
        return logs.LogFilter(
            min_level=self.min_level,
            task_run_ids=wanted,
            text=self.text,
            since=self.timestamp.gte if self.timestamp else None,
            until=self.timestamp.lt if self.timestamp else None,
        )


@strawberry.input(description="Narrows a list of events; the time is needed, it bounds the work.")
class EventFilter:
    occurred: TimeFilter = strawberry.field(description="By the time they happened.")
    event: StringFilter | None = strawberry.field(
        default=None, description="By kind, such as flow_run.completed."
    )
    resource_id: StringFilter | None = strawberry.field(
        default=None, description="By the id of what they happened to."
    )
    order: Direction = strawberry.field(
        default=Direction.DESC, description="DESC, the latest first, if not said."
    )

    def to_filter(self) -> filters.EventFilter:
        """Return the filter."""
        return filters.EventFilter(
            occurred=self.occurred.to_filter(),
            name=_of(self.event),
            resource_id=_of(self.resource_id),
        )


def _tuple(values: Sequence[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _ids(values: Sequence[str] | None, kind: ids.Kind) -> tuple[UUID, ...] | None:
    return None if values is None else tuple(ids.parse(value, kind=kind) for value in values)


def _of(sent: Any, *context: object) -> Any:
    return None if sent is None else sent.to_filter(*context)


def _each(sent: Sequence[Any] | None) -> tuple[Any, ...]:
    return tuple(part.to_filter() for part in sent or ())
